//! What all scenarios have in common.

use crate::BenchFault;
use crate::block::Template;
use crate::flow::Flow;
use crate::publisher::{Pace, Publisher};
use crate::stamp::STAMP_LEN;
use martlet_codec::{MAXIMUM_FRAME_LEN, QoSLevel, Version};
use martlet_net::Url;
use std::sync::Arc;
use std::time::Duration;

/// When a run has done enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Measure for so long, after a warm-up.
    Time(Duration),
    /// Publish so many messages, and measure between a tenth and nine tenths of their deliveries.
    Messages(u64),
}

/// What all scenarios have in common.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, and who the clients are there.
    pub url: Url,
    /// The version that all clients speak.
    pub version: Version,
    /// The QoS of messages and of subscriptions.
    pub qos: QoSLevel,
    /// Bytes of a payload, at least [`STAMP_LEN`].
    pub payload_len: usize,
    /// Messages of a publisher that may be outstanding; the scenario's default if there is none.
    pub window: Option<u64>,
    /// Messages per second of all publishers together, each at its moment; a closed loop if there is none.
    pub rate: Option<f64>,
    /// When a run has done enough.
    pub extent: Extent,
    /// Threads of the generator.
    pub threads: usize,
    /// The server's process.
    pub pid: Option<u32>,
    /// How long nothing may happen.
    pub patience: Duration,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), BenchFault> {
        let usage = |text: String| Err(BenchFault::Usage(text));
        match self.extent {
            Extent::Time(Duration::ZERO) => {
                return usage("--seconds: in no time nothing is measured".to_owned());
            }
            Extent::Messages(0) => return usage("--messages: write at least 1".to_owned()),
            Extent::Time(_) | Extent::Messages(_) => {}
        }
        if self.payload_len < STAMP_LEN {
            return usage(format!(
                "--payload: a message needs {STAMP_LEN} bytes or more for its number and time"
            ));
        }
        if self.payload_len > MAXIMUM_FRAME_LEN - 1024 {
            return usage("--payload: no packet is that long".to_owned());
        }
        if self.rate.is_some_and(|rate| !(1e-3..=1e9).contains(&rate)) {
            return usage("--rate: write messages per second, from 0.001 to 1000000000".to_owned());
        }
        if self.threads == 0 || self.threads > 64 {
            return usage("--threads: write a number from 1 to 64".to_owned());
        }
        Ok(())
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.qos != QoSLevel::AtMostOnce
    }

    /// How many messages are asked for; 0 where a time is.
    pub(crate) fn messages(&self) -> u64 {
        match self.extent {
            Extent::Messages(all) => all,
            Extent::Time(_) => 0,
        }
    }

    /// Publisher number `index` of `publishers`: by the clock where there is a rate, else with a window.
    pub(crate) fn publisher(
        &self,
        index: usize,
        publishers: usize,
        template: &Template,
        flow: &Arc<Flow>,
        window: u64,
    ) -> Publisher {
        let (flow, quota) = (Arc::clone(flow), self.quota(index, publishers));
        match self.pace(index, publishers) {
            Some(pace) => Publisher::paced(template, flow, pace, quota),
            None => Publisher::new(template, flow, window, quota),
        }
    }

    /// When publisher number `index` of `publishers` publishes, where there is a rate.
    fn pace(&self, index: usize, publishers: usize) -> Option<Pace> {
        let between_ns = 1e9 / self.rate?;
        Some(Pace { offset_ns: between_ns * index as f64, step_ns: between_ns * publishers as f64 })
    }

    /// Messages that publisher number `index` of `publishers` publishes.
    pub(crate) fn quota(&self, index: usize, publishers: usize) -> u64 {
        match self.extent {
            Extent::Time(_) => u64::MAX,
            Extent::Messages(all) => {
                all / publishers as u64 + u64::from((index as u64) < all % publishers as u64)
            }
        }
    }
}
