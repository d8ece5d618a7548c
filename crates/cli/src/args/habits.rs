//! Options of mosquitto_pub and mosquitto_sub that fingers remember: the error names what is written here.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Puts the tip that helps in the place of "to pass '-t' as a value, use '-- -t'".
pub(super) fn explain(error: &mut clap::Error, words: &[OsString]) {
    let context = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return,
    };
    let Some(ContextValue::String(found)) = error.get(context) else { return };
    let command = words.get(1).map(|word| word.to_string_lossy()).unwrap_or_default();
    if let Some(tip) = misplaced(&command, found).or_else(|| tip(found)) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}

/// The host behind Mosquitto's `-h`, where that was read as a wish for help.
pub(super) fn host(error: &clap::Error, words: &[OsString]) -> Option<String> {
    if error.kind() != ErrorKind::DisplayHelp || words.get(1).is_none_or(|word| word == "-h") {
        return None;
    }
    let words: Vec<_> = words.iter().take_while(|word| *word != "--").collect();
    let index = words.iter().position(|word| *word == "-h")?;
    let next = words.get(index + 1)?.to_string_lossy().into_owned();
    (!next.starts_with('-')).then_some(next)
}

pub(super) fn no_host(host: &str) -> String {
    format!(
        "`-h {host}` names no host here: write -b mqtt://{host}:1883, or --listen to serve; help is --help"
    )
}

/// What stands where it has no place, whatever option it is.
fn misplaced(command: &str, found: &str) -> Option<&'static str> {
    Some(match command {
        "version" => "write martlet --version",
        _ if command.starts_with('-') => "options come after the command: martlet pub -b URL TOPIC MESSAGE",
        "pub" | "publish" if !found.starts_with('-') => {
            "a message with spaces is quoted: martlet pub TOPIC 'A MESSAGE'"
        }
        "serve" if !found.starts_with('-') => "write --listen HOST:PORT, or -c FILE",
        _ => return None,
    })
}

fn tip(found: &str) -> Option<&'static str> {
    Some(match found {
        "-t" | "--topic" => "topics are no option: martlet pub TOPIC MESSAGE, martlet sub FILTER...",
        "-m" | "--message" => "the message is no option: martlet pub TOPIC MESSAGE",
        "-p" | "--port" | "--host" => "host and port are one: -b HOST:PORT, and --listen HOST:PORT to serve",
        "-P" | "--pw" => "write --password-file FILE, or the password into MARTLET_PASSWORD",
        "-V" | "--protocol-version" => "write --protocol 3.1, 3.1.1 or 5",
        "-C" => "write -n COUNT",
        "-c" | "--disable-clean-session" => "write --no-clean-start",
        "-x" => "write --session-expiry SECONDS",
        "-d" | "--debug" => "what happened to a connection is in the log of the broker",
        "-L" | "--url" => "write -b mqtt://HOST:PORT, and the topic without an option",
        "-I" | "--id-prefix" => "write -i ID",
        "--unix" => "write -b unix:///PATH",
        "--repeat-delay" => "write --interval SECONDS",
        "--stdin-line" => "write --lines",
        "--stdin-file" => "write --stdin",
        "--null-message" => "write --null",
        "--cafile" | "--capath" | "--cert" | "--key" | "--insecure" | "--tls-version" | "--tls-alpn"
        | "--tls-use-os-certs" | "--psk" | "--psk-identity" | "--ciphers" => {
            "there is no TLS in this version"
        }
        "-D" | "--property" => "each property has an option of its own, such as --content-type",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::Parser;

    #[test]
    fn mosquittos_letters_are_translated() {
        let said = |line: &str| {
            let mut error = Cli::try_parse_from(line.split(' ')).expect_err(line);
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            explain(&mut error, &words);
            error.to_string()
        };
        assert!(said("martlet pub -t nest -m hello").contains("martlet pub TOPIC MESSAGE"));
        assert!(said("martlet pub nest hello -V 5").contains("--protocol"));
        assert!(said("martlet sub -C 1 nest").contains("-n COUNT"));
        assert!(said("martlet serve -p 1883").contains("--listen HOST:PORT"));
        assert!(said("martlet sub -d nest").contains("log of the broker"));
        assert!(said("martlet sub nest --cafile x").contains("no TLS"));
        assert!(said("martlet pub nest hello --repeat-delay 1").contains("--interval SECONDS"));
        assert!(said("martlet pub nest hello world").contains("is quoted"));
        assert!(said("martlet serve 1883").contains("--listen HOST:PORT"));
        assert!(said("martlet -b h pub nest hello").contains("come after the command"));
        assert!(said("martlet version").contains("martlet --version"));
        assert!(said("martlet pub nest hello --retian").contains("--retain"), "clap's own tips stay");
    }
}
