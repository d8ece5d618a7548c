//! Traffic as connections that are to be opened: who publishes what, who hears it, and how that is checked.
//!
//! Several parts may run beside each other. Each has its own topics, clients and flow ids.

use super::Traffic;
use crate::bench::Bench;
use crate::block::{Template, Topics};
use crate::connection::{Filters, Inbound, Role, Spec, Subscriber};
use crate::flow::{Flow, Spread};
use crate::options::Options;
use crate::packets::Session;
use crate::tracker::{Group, Tracker};
use std::sync::Arc;

pub(super) struct Part {
    traffic: Traffic,
    options: Options,
    /// What its topics begin with.
    prefix: String,
    /// What its client ids begin with.
    client: String,
    first_flow: u32,
}

impl Part {
    /// The only one.
    pub(super) fn only(bench: &Bench<'_>, traffic: Traffic) -> Self {
        let nonce = bench.nonce();
        Part {
            traffic,
            options: bench.options.clone(),
            prefix: format!("bench/{nonce:08x}"),
            client: format!("mb{nonce:08x}"),
            first_flow: 0,
        }
    }

    /// Number `index` of several; its flows begin with `first_flow`.
    pub(super) fn of_several(
        bench: &Bench<'_>,
        traffic: Traffic,
        options: Options,
        index: usize,
        first_flow: usize,
    ) -> Self {
        let only = Self::only(bench, traffic);
        Part {
            options,
            prefix: format!("{}/m{index}", only.prefix),
            client: format!("{}m{index}", only.client),
            first_flow: first_flow as u32,
            ..only
        }
    }

    /// How many deliveries follow from each message.
    pub(super) fn deliveries(&self) -> u64 {
        self.traffic.receivers() as u64
    }

    pub(super) fn flows(&self, bench: &Bench<'_>) -> Vec<Arc<Flow>> {
        let receivers = self.traffic.receivers();
        let flow = |index: usize| {
            Flow::new(self.first_flow + index as u32, bench.worker(index), Spread::All, receivers)
        };
        (0..self.traffic.publishers()).map(flow).map(Arc::new).collect()
    }

    pub(super) fn subscribers(&self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let group = |_| flows.iter().map(|_| Group::new()).collect::<Vec<_>>();
        let groups: Vec<_> = (0..self.traffic.groups()).map(group).collect();
        let spec = |index: usize| {
            let heard = self.traffic.heard_by(index);
            let slot = self.traffic.slot(index);
            let tracker = |flow: usize| match groups.get(slot) {
                Some(group) => Tracker::shared(Arc::clone(&group[flow])),
                None => Tracker::ordered(),
            };
            let inbound =
                |flow: usize| Inbound { flow: Arc::clone(&flows[flow]), slot, tracker: tracker(flow) };
            let inbound = heard.clone().map(inbound).collect();
            let spec = Spec {
                client_id: format!("{}s{index}", self.client),
                session: Session::Clean,
                filters: Filters::new(vec![self.filter(index)], self.options.qos),
                role: Role::Subscriber(Subscriber {
                    first_flow: self.first_flow + heard.start as u32,
                    inbound,
                }),
            };
            // One thread tells how far a group has come.
            (bench.worker(if groups.is_empty() { index } else { slot }), spec)
        };
        (0..self.traffic.subscribers()).map(spec).collect()
    }

    pub(super) fn publishers(&self, bench: &Bench<'_>, flows: &[Arc<Flow>]) -> Vec<(usize, Spec)> {
        let options = &self.options;
        let spec = |(index, flow): (usize, &Arc<Flow>)| {
            let template = Template {
                version: options.version,
                qos: options.qos,
                retain: false,
                topics: Topics::one(self.topic(index)),
                payload_len: options.payload_len,
                flow: flow.id,
                nonce: bench.nonce(),
            };
            let window = self.traffic.window(options);
            let publisher = options.publisher(index, self.traffic.publishers(), &template, flow, window);
            let spec = Spec {
                client_id: format!("{}p{index}", self.client),
                session: Session::Clean,
                filters: Filters::none(),
                role: Role::Publisher(Box::new(publisher)),
            };
            (flow.owner, spec)
        };
        flows.iter().enumerate().map(spec).collect()
    }

    /// What publisher number `index` publishes to.
    fn topic(&self, index: usize) -> String {
        let (prefix, traffic) = (&self.prefix, self.traffic);
        match traffic {
            Traffic::Pairs { .. } | Traffic::RoundTrips { .. } => format!("{prefix}/{index}"),
            Traffic::FanIn { subscribers, .. } => {
                let hears = |one: &usize| traffic.heard_by(*one).contains(&index);
                format!("{prefix}/{}/{index}", (0..subscribers).find(hears).unwrap_or(0))
            }
            Traffic::FanOut { .. } | Traffic::Share { .. } => format!("{prefix}/0/{index}"),
        }
    }

    /// What subscriber number `index` subscribes to.
    fn filter(&self, index: usize) -> String {
        let prefix = &self.prefix;
        match self.traffic {
            Traffic::Pairs { .. } | Traffic::RoundTrips { .. } => format!("{prefix}/{index}"),
            Traffic::FanIn { .. } => format!("{prefix}/{index}/+"),
            Traffic::FanOut { publishers: 1, .. } => format!("{prefix}/0/0"),
            Traffic::FanOut { .. } => format!("{prefix}/0/+"),
            Traffic::Share { .. } => format!("$share/g{}/{prefix}/0/+", self.traffic.slot(index)),
        }
    }
}
