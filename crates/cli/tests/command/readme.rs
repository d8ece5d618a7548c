//! README.md shows what the program prints: its examples are run, and its lines of the log are looked for.

use crate::rig::{Running, martlet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const README: &str = include_str!("../../../../README.md");

/// A block of code: its language, its text, and whether it follows the one before with nothing but an empty line between.
struct Block {
    language: &'static str,
    text: &'static str,
    is_answer: bool,
}

fn blocks() -> Vec<Block> {
    let mut parts = README.split("```");
    let mut before = parts.next().unwrap_or_default();
    let mut blocks = Vec::new();
    while let (Some(code), Some(after)) = (parts.next(), parts.next()) {
        let (language, text) = code.split_once('\n').unwrap();
        blocks.push(Block { language, text, is_answer: language.is_empty() && before.trim().is_empty() });
        before = after;
    }
    blocks
}

/// The words of a command as a shell has them: quotes hold together, and a comment is none of it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => return words,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// JSON without the time at which a message came.
fn without_time(text: &str) -> String {
    let Some((before, rest)) = text.split_once(r#""tst":""#) else { return text.to_owned() };
    let (time, after) = rest.split_once('"').unwrap();
    format!("{before}{}{after}", without_numbers(time))
}

/// Times, ports and counts are different each time.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    for c in line.chars() {
        match c {
            '0'..='9' if text.ends_with('9') => {}
            '0'..='9' => text.push('9'),
            _ => text.push(c),
        }
    }
    text
}

/// Reads a log to its end, and keeps its lines.
fn gather(log: impl std::io::Read + Send + 'static) -> (Arc<Mutex<Vec<String>>>, thread::JoinHandle<()>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let gathered = Arc::clone(&lines);
    let read = move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            gathered.lock().unwrap().push(line);
        }
    };
    (lines, thread::spawn(read))
}

fn wait_for(lines: &Mutex<Vec<String>>, words: &str) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < end, "no line with {words}");
        if let Some(line) = lines.lock().unwrap().iter().find(|line| line.contains(words)) {
            return line.clone();
        }
        thread::yield_now();
    }
}

#[test]
fn examples_print_what_the_readme_says() {
    let mut command = martlet("serve --listen mqtt://127.0.0.1:0");
    let mut broker = Running::new(command.stderr(Stdio::piped()));
    let (log, reader) = gather(broker.child.stderr.take().unwrap());
    let (_, url) = wait_for(&log, "listening on")
        .split_once("listening on ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let blocks = blocks();
    let mut answers = 0;
    for pair in blocks.windows(2).filter(|pair| pair[0].language == "sh" && pair[1].is_answer) {
        let mut printed = String::new();
        for line in pair[0].text.lines() {
            let words = words(line);
            assert_eq!(words[0], "martlet", "{line}");
            let output = martlet(&words[1]).args(&words[2..]).env("MARTLET_BROKER", &url).output().unwrap();
            printed += &String::from_utf8(output.stdout).unwrap();
        }
        assert_eq!(without_time(&printed), without_time(pair[1].text));
        answers += 1;
    }
    assert!(answers >= 3, "{answers} answers in README.md");
    broker.signal("-TERM");
    assert_eq!(broker.end().1, Some(0));
    reader.join().unwrap();
    let log: Vec<String> = log.lock().unwrap().iter().map(|line| without_numbers(line)).collect();
    let shown = blocks.iter().flat_map(|block| block.text.lines()).filter(|line| line.contains("Z  INFO "));
    // Another listener, which not every machine has.
    let shown: Vec<_> = shown.filter(|line| !line.contains("[::1]")).map(without_numbers).collect();
    assert!(shown.len() >= 4, "{shown:?}");
    for line in &shown {
        assert!(log.contains(line), "README.md has\n{line}\nand the log\n{}", log.join("\n"));
    }
    let start: Vec<_> = log.iter().take_while(|line| !line.contains("client connected")).collect();
    assert!(start.iter().all(|line| shown.contains(line)), "README.md lacks one of\n{start:#?}");
}
