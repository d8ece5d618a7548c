//! Options of `martlet sub`.

use super::numbers::{some_seconds, whole};
use super::{ConnectionArgs, Reconnect, pair, qos, share_name};
use clap::{Args, ValueEnum};
use martlet_client::QoSLevel;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  martlet sub 'nest/#'                                 payloads, one a line
  martlet sub -v 'nest/+' 'swift/+'                    with their topics
  martlet sub --json 'nest/#' | jq .payload
  martlet sub -n 1 -W 5 nest/state                     one message, or exit code 27 after 5 s
  martlet sub --share workers jobs                     each message to one of the group
  martlet sub --format '%I %t %q %p' '#'

Letters of --format, as in mosquitto_sub; % may be followed by -, 0, WIDTH and .MAXIMUM:
  %t topic             %p payload            %x %X payload in hexadecimal   %l its length
  %q QoS               %r retained, 0 or 1   %m packet identifier           %% a %
  %I time (ISO 8601)   %U time (Unix)        %j JSON, mosquitto_sub's      %J with the payload as it is
  %A topic alias       %C content type       %D correlation data            %E message expiry
  %F payload format    %P user properties    %R response topic              %S subscription ids
  @Y @m @H ... strftime's letters and @N nanoseconds, in UTC; \\n \\t \\0 \\a \\e \\r \\v \\\\";

/// Subscribe, and print what comes.
#[derive(Args, Debug)]
#[command(visible_alias = "subscribe", after_help = EXAMPLES)]
pub(crate) struct SubscribeArgs {
    /// The topic filters.
    #[arg(required = true, value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// Highest quality of service: 0, 1 or 2.
    #[arg(short, long, default_value = "0", value_parser = qos)]
    pub(crate) qos: QoSLevel,
    /// End after this many messages.
    #[arg(short = 'n', long, value_name = "N", value_parser = whole::<u64>(1..=u64::MAX))]
    pub(crate) count: Option<u64>,
    /// End with exit code 27 after this many seconds.
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = some_seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Come back when the connection is lost: subscribe again unless the broker kept the session, and go on.
    /// With `always`, wait for the first connection, too. What another attempt cannot change, such as a wrong
    /// password, ends the command.
    #[arg(long, value_enum, value_name = "WHEN", require_equals = true, num_args = 0..=1, default_missing_value = "lost")]
    pub(crate) reconnect: Option<Reconnect>,
    /// Print the topic before each payload.
    #[arg(short, long, conflicts_with_all = ["format", "json"])]
    pub(crate) verbose: bool,
    /// Print each message in this form.
    #[arg(short = 'F', long, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<String>,
    /// Print each message as a line of JSON. A payload that is no UTF-8 becomes payload_base64.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing after a message.
    #[arg(short = 'N', long)]
    pub(crate) no_newline: bool,
    /// Leave retained messages out.
    #[arg(short = 'R', long, conflicts_with = "retained_only")]
    pub(crate) no_retained: bool,
    /// Leave all but retained messages out.
    #[arg(long)]
    pub(crate) retained_only: bool,
    /// Take a share of a group's messages: $share/NAME/FILTER.
    #[arg(long, value_name = "NAME", value_parser = share_name)]
    pub(crate) share: Option<String>,
    /// Leave messages out that this client id published (5.0).
    #[arg(long)]
    pub(crate) no_local: bool,
    /// Keep the RETAIN flag as it was published (5.0).
    #[arg(long)]
    pub(crate) retain_as_published: bool,
    /// When retained messages are sent (5.0).
    #[arg(long, value_enum, default_value = "send")]
    pub(crate) retain_handling: Handling,
    /// Subscription Identifier, 1 to 268435455 (5.0).
    #[arg(long, value_name = "ID", value_parser = whole::<u32>(1..=268_435_455))]
    pub(crate) subscription_id: Option<u32>,
    /// User Property of SUBSCRIBE; may be repeated (5.0).
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) user_property: Vec<(String, String)>,
    /// Let the broker use this many topic aliases (5.0).
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u16>(0..=u16::MAX.into()))]
    pub(crate) topic_alias_maximum: u16,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

impl SubscribeArgs {
    /// The first option that was written and only 5.0 can express.
    pub(crate) fn first_of_v5(&self) -> Option<&'static str> {
        let written = [
            (self.no_local, "--no-local"),
            (self.retain_as_published, "--retain-as-published"),
            (self.retain_handling != Handling::Send, "--retain-handling"),
            (self.subscription_id.is_some(), "--subscription-id"),
            (!self.user_property.is_empty(), "--user-property"),
            (self.topic_alias_maximum > 0, "--topic-alias-maximum"),
        ];
        written.into_iter().find_map(|(is_written, option)| is_written.then_some(option))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Handling {
    /// With every subscription.
    Send,
    /// With a subscription that is new.
    New,
    /// Never.
    Never,
}
