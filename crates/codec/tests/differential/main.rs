//! The codec against codecs that others wrote: what both accept has the same fields, and whatever else they see
//! differently is explained in a table. What needs a foreign program is in module `peers`.
mod compare;
mod disagreements;
mod fields;
mod mqttbytes;
mod mqttbytes_fields;
mod peers;
mod samples;
#[path = "../support/mod.rs"]
mod support;
