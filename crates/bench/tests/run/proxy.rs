//! A proxy between generator and relay that does one thing wrong, to the tenth message that a client gets.

use martlet_codec::{Split, split_frame};
use martlet_net::Url;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// What is done wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Drops,
    Doubles,
    /// The tenth and the eleventh change places.
    Swaps,
}

const TENTH: usize = 10;

/// Where the proxy for `server` listens. Its threads end with the test's process.
pub(crate) fn proxy(server: &Url, fault: Fault) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = server.to_string().trim_start_matches("mqtt://").to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                let _ = spoil(server, &client, fault);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    url
}

/// Passes frames on, and counts the PUBLISH among them.
fn spoil(mut server: TcpStream, mut client: &TcpStream, fault: Fault) -> io::Result<()> {
    let (mut buffer, mut chunk, mut count) = (Vec::new(), [0; 4096], 0);
    let mut held: Option<Vec<u8>> = None;
    loop {
        let read = server.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        buffer.extend_from_slice(&chunk[..read]);
        while let Ok(Split::Whole(frame, len)) = split_frame(&buffer, 1 << 20) {
            let is_publish = frame.first & 0xf0 == 0x30;
            let frame: Vec<u8> = buffer.drain(..len).collect();
            count += usize::from(is_publish);
            match fault {
                Fault::Drops if is_publish && count == TENTH => continue,
                Fault::Doubles if is_publish && count == TENTH => client.write_all(&frame)?,
                Fault::Swaps if is_publish && count == TENTH => {
                    held = Some(frame);
                    continue;
                }
                _ => {}
            }
            client.write_all(&frame)?;
            if let Some(held) = held.take() {
                client.write_all(&held)?;
            }
        }
    }
}
