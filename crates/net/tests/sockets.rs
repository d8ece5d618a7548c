//! Listeners and streams against the real system, on loopback and in a directory of the test's own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use martlet_net::{Address, Endpoint, Fault, FaultKind, Listener, Scheme, Socket, Stream};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn accepted(listener: &Listener) -> Stream {
    match &listener.socket {
        Socket::Tcp(socket) => {
            socket.set_nonblocking(false).unwrap();
            Stream::Tcp(socket.accept().unwrap().0)
        }
        Socket::Unix(socket, _) => {
            socket.set_nonblocking(false).unwrap();
            Stream::Unix(socket.accept().unwrap().0)
        }
    }
}

fn exchange(listener: &Listener) {
    let mut client = Stream::connect(&listener.endpoint, LIMIT).unwrap();
    let mut server = accepted(listener);
    client.write_all(b"ping").unwrap();
    let mut got = [0; 4];
    server.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"ping");
}

fn unix_endpoint(name: &str) -> (Endpoint, PathBuf) {
    let directory = std::env::temp_dir().join(format!("martlet-net-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let address = Address::Unix(directory.join("socket"));
    (Endpoint { scheme: Scheme::Unix, address, path: String::new() }, directory)
}

fn fault(result: Result<Vec<Listener>, Fault>) -> Fault {
    result.expect_err("it must be refused")
}

#[test]
fn tcp_listens_on_the_port_it_got() {
    let listeners = Listener::bind(&Endpoint::tcp("127.0.0.1", 0), false).unwrap();
    assert_eq!(listeners.len(), 1);
    assert_ne!(listeners[0].tcp_address().unwrap().port(), 0);
    exchange(&listeners[0]);
}

#[test]
fn a_shared_port_has_several_queues_but_no_stranger() {
    if !Listener::CAN_SHARE_PORT {
        return;
    }
    let first = Listener::bind(&Endpoint::tcp("127.0.0.1", 0), true).unwrap().remove(0);
    let second = first.share().unwrap();
    assert_eq!(first.tcp_address(), second.tcp_address());
    let stranger = fault(Listener::bind(&first.endpoint, true));
    assert_eq!(stranger.source.kind(), ErrorKind::AddrInUse);
    assert!(stranger.to_string().contains("choose another port"), "{stranger}");
}

#[test]
fn a_dead_socket_file_is_replaced_a_live_one_is_in_use() {
    let (endpoint, directory) = unix_endpoint("dead");
    let Address::Unix(path) = &endpoint.address else { unreachable!("made as a Unix endpoint") };
    drop(std::os::unix::net::UnixListener::bind(path).unwrap()); // as after kill -9: the file stays
    assert!(path.exists());
    let listener = Listener::bind(&endpoint, false).unwrap().remove(0);
    exchange(&listener);
    assert_eq!(fault(Listener::bind(&endpoint, false)).source.kind(), ErrorKind::AddrInUse);
    drop(listener);
    assert!(!path.exists(), "the file goes with the listener");
    std::fs::write(path, "precious").unwrap();
    assert_eq!(fault(Listener::bind(&endpoint, false)).source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(path).unwrap(), b"precious");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn faults_say_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = Stream::connect(&Endpoint::tcp("127.0.0.1", free), LIMIT).unwrap_err();
    assert_eq!((refused.kind, refused.source.kind()), (FaultKind::Io, ErrorKind::ConnectionRefused));
    assert!(refused.to_string().contains("is the broker running"), "{refused}");

    let unknown = Stream::connect(&Endpoint::tcp("no-such-host.invalid", 1), LIMIT).unwrap_err();
    assert_eq!(unknown.kind, FaultKind::NameLookup);

    let tls = Stream::connect(&"mqtts://127.0.0.1".parse().unwrap(), LIMIT).unwrap_err();
    assert_eq!(tls.kind, FaultKind::Unsupported);
    assert_eq!(fault(Listener::bind(&"ws://127.0.0.1".parse().unwrap(), false)).kind, FaultKind::Unsupported);

    let foreign = fault(Listener::bind(&Endpoint::tcp("192.0.2.1", 0), false));
    assert!(foreign.to_string().contains("no address of this machine"), "{foreign}");
}

#[test]
fn a_unix_socket_gets_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let directory = std::env::temp_dir().join(format!("martlet-mode-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("s");
    let endpoint: Endpoint = format!("unix://{}", path.display()).parse().unwrap();
    for mode in [0o600, 0o666] {
        let listener = Listener::bind_with_mode(&endpoint, false, mode).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        drop(listener);
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

/// The kernel asks a silent peer whether it is still there, on connections that were accepted.
#[test]
#[cfg(target_os = "linux")]
fn accepted_connections_are_kept_alive() {
    let listeners = Listener::bind(&Endpoint::tcp("127.0.0.1", 0), false).unwrap();
    let Socket::Tcp(listener) = &listeners[0].socket else { panic!("TCP was asked for") };
    listener.set_nonblocking(false).unwrap();
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let socket = socket2::SockRef::from(&accepted);
    assert!(socket.keepalive().unwrap());
    let ask =
        (socket.tcp_keepalive_time().unwrap().as_secs(), socket.tcp_keepalive_interval().unwrap().as_secs());
    assert_eq!((ask, socket.tcp_keepalive_retries().unwrap()), ((60, 15), 4));
}
