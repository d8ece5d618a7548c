//! Options of `martlet bench`.

use super::connection::Protocol;
use super::numbers::{CLIENTS, HELD, MESSAGES, TIMES, seconds, some_seconds, whole};
use super::qos;
use clap::{Args, Subcommand, ValueHint};
use martlet_bench::{Background, Ingredient, Traffic};
use martlet_client::QoSLevel;
use std::path::PathBuf;
use std::time::Duration;

/// Put any broker under load, check what it delivers, and say what that cost.
///
/// Each message carries a number: what is lost, doubled or out of order is counted and makes the exit code 1. With
/// --pid, the broker's processor time and memory are part of the report. Only the address given is contacted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    martlet bench pairs --pairs 10 --seconds 5 --pid $(pidof mosquitto)\n  \
    martlet bench fan-out --subscribers 1000 --qos 1 -b mqtt://127.0.0.1:1884\n  \
    martlet bench pairs --with-subscriptions 1000000 --pid $(pidof martlet)\n  \
    martlet bench pairs --pairs 20 --rate 20000 --hlog latencies.hlog\n  \
    martlet bench rr --json new.json --compare old.json --tolerance 5%\n  \
    martlet bench share --groups 3 --members 4 --qos 1\n  \
    martlet bench soak --seconds 3600 --rate 5000 --pid $(pidof martlet)\n  \
    martlet bench patterns -b mqtt://127.0.0.1:1884    # embedded clients, which wait for TCP acknowledgements\n  \
    martlet bench relay --listen mqtt://127.0.0.1:1884     # the physical limit, to be measured like a broker")]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Publishers with a subscriber each.
    Pairs {
        /// How many pairs.
        #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = whole::<usize>(CLIENTS))]
        pairs: usize,
        #[command(flatten)]
        background: BackgroundArgs,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Many publishers, few subscribers, which use wildcards.
    FanIn {
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        /// How many subscribe.
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = whole::<usize>(CLIENTS))]
        subscribers: usize,
        #[command(flatten)]
        background: BackgroundArgs,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Few publishers, many subscribers, each of which hears all of them.
    FanOut {
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        /// How many subscribe.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<usize>(CLIENTS))]
        subscribers: usize,
        #[command(flatten)]
        background: BackgroundArgs,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Pairs with one message in flight each: nothing can be gathered, and latencies are measured.
    Rr {
        /// How many pairs.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<usize>(CLIENTS))]
        pairs: usize,
        #[command(flatten)]
        background: BackgroundArgs,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Shared subscriptions: each message goes to one member of each group; none may be lost, and none come twice.
    Share {
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        /// How many groups.
        #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = whole::<usize>(CLIENTS))]
        groups: usize,
        /// How many members each group has.
        #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = whole::<usize>(CLIENTS))]
        members: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Several kinds of traffic beside each other, by the clock.
    #[command(after_help = MIX_EXAMPLES)]
    Mix {
        #[command(flatten)]
        parts: PartArgs,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// A mix for hours, with a line on stderr every minute: rate, CPU, memory, latency, what was lost or came twice.
    #[command(after_help = MIX_EXAMPLES)]
    Soak {
        #[command(flatten)]
        parts: PartArgs,
        /// How often there is a line.
        #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
        every: Duration,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Connections that come, stay, and vanish and come back all at once.
    Conn {
        /// How many.
        #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = whole::<usize>(CLIENTS))]
        connections: usize,
        /// How long they do nothing.
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        hold: Duration,
        /// How often all of them are cut and come back.
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = whole::<usize>(0..=1_000_000))]
        storms: usize,
        /// Give each a subscription of its own.
        #[arg(long)]
        subscribe: bool,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Many subscriptions, half of them with wildcards, and messages that match one each.
    Subs {
        /// How many, in all.
        #[arg(long, value_name = "COUNT", default_value_t = 200_000, value_parser = whole::<usize>(HELD))]
        subscriptions: usize,
        /// Connections that share them.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<usize>(CLIENTS))]
        connections: usize,
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Retained messages: stored, read by one wildcard subscription, removed.
    Retained {
        /// Topics with a message each.
        #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = whole::<usize>(HELD))]
        topics: usize,
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Messages for sessions whose clients are away, and their return.
    Persist {
        /// How many sessions.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<usize>(CLIENTS))]
        sessions: usize,
        /// Messages for each of them.
        #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = whole::<usize>(HELD))]
        queued: usize,
        /// How many publish.
        #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = whole::<usize>(CLIENTS))]
        publishers: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// A filter that many sessions have, whose clients are away: what SUBSCRIBE and UNSUBSCRIBE of it cost, against one
    /// that a single session has. Without --pid there are only times.
    Crowd {
        /// How many have it.
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = whole::<usize>(CLIENTS))]
        sessions: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// One message in flight, and its longest latency while another client reads many retained messages with one
    /// wildcard subscription; beside it, for as long, that with nobody reading.
    Replay {
        /// Retained messages of 64 bytes.
        #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = whole::<usize>(HELD))]
        retained: usize,
        /// How often all of them are read.
        #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = whole::<usize>(TIMES))]
        reads: usize,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Short exchanges as different clients write them: an acknowledgement and then a message, header and payload apart, one
    /// byte at a time, and so on. How long the client waits, with Nagle's algorithm and without.
    Patterns {
        /// Exchanges of each pattern.
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = whole::<u16>(1..=6000))]
        rounds: u16,
        #[command(flatten)]
        load: LoadArgs,
    },
    /// Serve as the physical limit: copy PUBLISH bytes between connections, with no broker logic at all.
    ///
    /// For measurements alone: the first PUBLISH of a connection decides where all its messages go, nothing is kept
    /// for anybody, and everything is acknowledged.
    Relay {
        /// Where to listen.
        #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1884", value_hint = ValueHint::Url)]
        listen: String,
    },
}

const MIX_EXAMPLES: &str = "Examples:\n  \
    martlet bench mix --rate 20000 --part pairs@0=4 --part fan-out@1=1\n  \
    martlet bench soak --seconds 28800 --rate 5000 --pid $(pidof martlet)";

/// Without --part.
const MIX: [&str; 6] = ["pairs@0=4", "pairs@1=3", "pairs@2=1", "fan-in@1=2", "fan-out@0=1", "share@1=1"];

/// What a mix is made of.
#[derive(Args, Debug)]
pub(crate) struct PartArgs {
    /// A kind of traffic: pairs (10 of them), fan-in (20 to 1), fan-out (1 to 20) or share (4 to 2 groups of 3), its QoS,
    /// and its weight, by which messages are divided. May be repeated.
    #[arg(long = "part", value_name = "NAME@QOS=WEIGHT", value_parser = ingredient, default_values = MIX)]
    pub(crate) parts: Vec<Ingredient>,
}

/// What the broker holds beside the load, which has nothing to do with it. It is set up before anything is measured, and
/// gone in the end.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Background, of which nothing is measured")]
pub(crate) struct BackgroundArgs {
    /// Connections that are open and silent, without a subscription.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = whole::<usize>(0..=*HELD.end()))]
    idle: usize,
    /// Subscriptions to what is not published, half of them with a wildcard, held by a few connections.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = whole::<usize>(0..=*HELD.end()))]
    with_subscriptions: usize,
    /// Retained messages of 64 bytes that nobody reads. Not where the broker is a relay, which keeps nothing.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = whole::<usize>(0..=*HELD.end()))]
    with_retained: usize,
}

impl From<BackgroundArgs> for Background {
    fn from(args: BackgroundArgs) -> Self {
        let BackgroundArgs { idle, with_subscriptions: subscriptions, with_retained: retained } = args;
        Background { idle, subscriptions, retained }
    }
}

/// What all scenarios have in common.
#[derive(Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadArgs {
    /// The broker: mqtt://[USER:PASSWORD@]HOST[:PORT], unix:///PATH, or only HOST[:PORT]. No environment variable
    /// stands for this one: it is always said who is put under load.
    #[arg(short, long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883", value_hint = ValueHint::Url)]
    pub(crate) broker: String,
    /// The protocol version. Not 5 as for pub and sub: 3.1.1 is what every broker speaks, so that figures compare.
    #[arg(long, value_enum, default_value = "3.1.1")]
    pub(crate) protocol: Protocol,
    /// The QoS of messages and subscriptions: 0 without this, and 1 for persist.
    #[arg(short, long, value_name = "QOS", value_parser = qos)]
    pub(crate) qos: Option<QoSLevel>,
    /// Bytes of a payload.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = whole::<usize>(1..=u32::MAX.into()))]
    pub(crate) payload: usize,
    /// Messages of each publisher that may be on their way: neither acknowledged, where they have to be, nor delivered.
    #[arg(long, value_name = "COUNT", value_parser = whole::<u64>(TIMES))]
    pub(crate) window: Option<u64>,
    /// Open loop: so many messages per second of all publishers together, each at its moment, whatever became of those
    /// before it. Latencies count from that moment; how late the generator was itself is said. Not for rr, conn,
    /// retained, persist, crowd, replay and patterns; without this 1000 for mix and soak.
    #[arg(long, value_name = "COUNT", conflicts_with = "window")]
    pub(crate) rate: Option<f64>,
    /// Measure for so long, after a warm-up.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Publish so many messages in all instead, and measure between a tenth and nine tenths of them.
    #[arg(long, value_name = "COUNT", conflicts_with = "seconds", value_parser = whole::<u64>(MESSAGES))]
    pub(crate) messages: Option<u64>,
    /// Threads of this load generator: 1 without this, and 2 for replay.
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>(1..=64))]
    pub(crate) threads: Option<usize>,
    /// The broker's process, if it runs on this machine: its processor time and memory are reported.
    #[arg(long, value_name = "PID", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    pub(crate) pid: Option<u32>,
    /// Give up when nothing happens for so long.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = some_seconds)]
    pub(crate) timeout: Duration,
    /// Write the report as JSON to a file; to stdout, instead of the readable one, with -.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,
    /// Write the latencies to a file, in the log format of HdrHistogram, in nanoseconds. With --rate, and for rr, conn,
    /// mix, soak and replay.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) hlog: Option<PathBuf>,
    /// Compare with an earlier report in JSON: the exit code is 1 if a figure is worse by more than --tolerance.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) compare: Option<PathBuf>,
    /// By how much a figure may be worse than in --compare: 10%, or as a fraction, 0.1.
    #[arg(long, value_name = "PART", default_value = "10%", value_parser = part)]
    pub(crate) tolerance: f64,
}

/// One part of a mix.
fn ingredient(text: &str) -> Result<Ingredient, String> {
    let form = "write NAME@QOS=WEIGHT, as in pairs@1=4";
    let (name, rest) = text.split_once('@').ok_or(form)?;
    let (level, weight) = rest.split_once('=').ok_or(form)?;
    let traffic = match name {
        "pairs" => Traffic::Pairs { pairs: 10 },
        "fan-in" => Traffic::FanIn { publishers: 20, subscribers: 1 },
        "fan-out" => Traffic::FanOut { publishers: 1, subscribers: 20 },
        "share" => Traffic::Share { publishers: 4, groups: 2, members: 3 },
        _ => return Err("there are pairs, fan-in, fan-out and share".to_owned()),
    };
    let weight: Option<f64> = weight.parse().ok();
    let weight = weight.filter(|weight| weight.is_finite() && *weight > 0.0);
    let weight = weight.ok_or_else(|| "write a weight of more than 0".to_owned())?;
    Ok(Ingredient { traffic, qos: qos(level)?, weight })
}

/// A part of something: in percent, or as a fraction.
fn part(text: &str) -> Result<f64, String> {
    let (number, divisor) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let part: Option<f64> = number.trim().parse().ok().map(|number: f64| number / divisor);
    part.filter(|part| part.is_finite() && *part >= 0.0)
        .ok_or_else(|| "write a part, as in 10% or 0.1".to_owned())
}

impl std::fmt::Debug for LoadArgs {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadArgs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_mix_has_a_name_a_qos_and_a_weight() {
        let pairs = ingredient("pairs@1=2.5").unwrap();
        assert_eq!((pairs.traffic, pairs.qos as u8, pairs.weight), (Traffic::Pairs { pairs: 10 }, 1, 2.5));
        assert!(MIX.iter().all(|part| ingredient(part).is_ok()));
        for bad in ["pairs", "pairs@1", "pairs@3=1", "rr@0=1", "pairs@0=0", "pairs@0=inf", "pairs@0=x"] {
            assert!(ingredient(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_is_in_percent_or_a_fraction() {
        assert_eq!((part("10%"), part("0.5"), part(" 5 %")), (Ok(0.1), Ok(0.5), Ok(0.05)));
        assert!(["", "x", "-1", "nan", "%"].iter().all(|bad| part(bad).is_err()));
    }
}
