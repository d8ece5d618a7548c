//! Clients that do harm: memory stays bounded, bystanders are served, and all that is lost is counted.
//!
//! The broker is a process of its own, so that its memory can be measured.

mod bystander;
mod floods;
mod sockets;
mod storms;
