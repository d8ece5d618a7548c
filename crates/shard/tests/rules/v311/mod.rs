//! The statements of 3.1.1, told by clients of 3.1.1 alone. What holds for every version is told in the other modules.

mod connect;
mod publish;
mod sessions;
mod subscribe;

use crate::common::Rig;
use crate::common::words::hex;
use martlet_codec::Malformed;
use martlet_shard::EndReason;

/// A client of 3.1.1 says these bytes, and its connection is closed for this reason, without a word.
fn closes(rig: &mut Rig, bytes: &str, why: Malformed) {
    rig.connect("bad", "v311");
    rig.write("bad", &hex(bytes));
    rig.closed("bad", EndReason::Malformed(why));
}
