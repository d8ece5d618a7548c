//! The command line's options to what CONNECT says. Nothing is connected here.

use crate::args::ConnectionArgs;
use crate::exit::{Failure, Status};
use martlet_client::{ConnectOptions, Message, NEVER_EXPIRES, TopicName, Url, Version, WillRequest};
use std::fs;

pub(crate) fn options(args: &ConnectionArgs, url: &Url) -> Result<ConnectOptions, Failure> {
    let version = args.protocol.version();
    if version == Version::V31 && args.client_id.as_deref() == Some("") {
        return Err(Failure::usage("--client-id: MQTT 3.1 needs one: write it, or leave the option out"));
    }
    let mut options = ConnectOptions::new(version, &client_id(args, version));
    options.clean_start = !args.no_clean_start;
    options.session_kept = args.no_clean_start;
    options.keep_alive_s = args.keep_alive;
    options.session_expiry_s = args.session_expiry;
    if args.session_expiry > 0 && !version.is_v5() {
        return Err(Failure::needs_v5("--session-expiry"));
    }
    if args.will.will_delay > 0 && !version.is_v5() {
        return Err(Failure::needs_v5("--will-delay"));
    }
    if args.no_clean_start && version.is_v5() && args.session_expiry == 0 {
        options.session_expiry_s = NEVER_EXPIRES; // what a session without clean start is for, and all that 3.x can do
    }
    options.user_name = args.user_name.as_deref().or(url.user_name.as_deref()).map(Into::into);
    options.password = password(args, url)?;
    options.will = will(args)?;
    options.limits.maximum_packet_size = 268_435_460;
    options.limits.topic_alias_maximum = 0; // `sub` has an option for it
    Ok(options)
}

/// A name for versions whose servers cannot give one.
fn client_id(args: &ConnectionArgs, version: Version) -> String {
    match &args.client_id {
        Some(id) => id.clone(),
        None if version == Version::V31 => format!("martlet-{}", std::process::id()),
        None => String::new(),
    }
}

/// Never shown in a message. The more explicit source is the stronger one.
fn password(args: &ConnectionArgs, url: &Url) -> Result<Option<Box<[u8]>>, Failure> {
    if let Some(path) = &args.password_file {
        let bytes = fs::read(path).map_err(|e| {
            Failure::new(
                Status::Configuration,
                format!("cannot read the password file {}: {e}", path.display()),
            )
        })?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).into()));
    }
    let given = args.password.as_ref().map(|password| password.as_bytes().into());
    Ok(given.or_else(|| url.password.clone()))
}

fn will(args: &ConnectionArgs) -> Result<Option<WillRequest>, Failure> {
    let will = &args.will;
    let Some(topic) = &will.will_topic else { return Ok(None) };
    let payload = will.will_message.as_deref().unwrap_or_default().as_bytes();
    let topic = TopicName::new(topic).map_err(|bad| Failure::usage(format!("--will-topic: {bad}")))?;
    let message = Message { topic, properties: &[], payload, expires_at: None, publisher: 0 };
    Ok(Some(WillRequest {
        publication: message.to_publication(),
        qos: will.will_qos,
        retain: will.will_retain,
        delay_s: will.will_delay,
        expiry_s: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(line: &str) -> Result<ConnectOptions, Failure> {
        let Command::Sub(args) = Cli::parse_from(line.split(' ')).command else { panic!("{line}") };
        let url: Url = args.connection.broker.parse().unwrap();
        options(&args.connection, &url)
    }

    #[test]
    fn options_from_the_command_line() {
        let options = parsed("martlet sub -b mqtt://u:p@h -i me -k 5 --session-expiry 9 t").unwrap();
        assert_eq!((options.version, &*options.client_id), (Version::V5, "me"));
        assert_eq!((options.keep_alive_s, options.session_expiry_s, options.clean_start), (5, 9, true));
        assert_eq!(options.user_name.as_deref(), Some("u"));
        assert_eq!(options.password.as_deref(), Some(&b"p"[..]));
        let stronger = parsed("martlet sub -b mqtt://u:p@h -u v --password q t").unwrap();
        assert_eq!(stronger.user_name.as_deref(), Some("v"));
        assert_eq!(stronger.password.as_deref(), Some(&b"q"[..]));
        let kept = parsed("martlet sub -b h -i me --no-clean-start t").unwrap();
        assert_eq!((kept.clean_start, kept.session_expiry_s), (false, NEVER_EXPIRES));
    }

    #[test]
    fn what_3_x_cannot_say_is_refused() {
        for option in ["--session-expiry 9", "--will-topic t --will-delay 3"] {
            let failure = parsed(&format!("martlet sub -b h --protocol 3.1.1 {option} t")).unwrap_err();
            assert_eq!(failure.status, Status::Usage);
            assert!(failure.text.contains("5.0"), "{failure}");
        }
    }
}
