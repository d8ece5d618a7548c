//! Any bytes, and valid sessions with bits flipped, against shards; from seeds, on the stable compiler. The fuzz
//! target `server_connection` does the same with a fuzzer's eyes.

mod common;

use common::random::Random;
use common::{Rig, fuzz, words};

/// Scripts of each kind.
const SCRIPTS: u64 = 500;

#[test]
fn fuzz_server_connection() {
    for seed in 1..=SCRIPTS {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let len = random.below(600);
        let script: Vec<u8> = (0..len).map(|_| (random.next() >> 24) as u8).collect();
        run(seed, &script);
    }
}

/// The same, with most bytes of the packets as they should be.
#[test]
fn fuzz_server_connection_mostly_valid() {
    for seed in 1..=SCRIPTS {
        let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut script = vec![random.below(256) as u8];
        for _ in 0..random.below(150) {
            let verb = [4, 5, 6, 7, 8, 10, 10, 11, 12, 13, 15, 9][random.below(12)];
            let argument = if verb == 12 { random.below(60) } else { random.below(140) };
            script.extend([(random.below(3) << 4 | verb) as u8, argument as u8]);
            if argument >= 128 && (4..=8).contains(&verb) {
                script.extend([random.next() as u8, random.next() as u8]);
            }
        }
        run(seed, &script);
    }
}

/// One stream of bytes, without any structure but that of the packets that it once was.
#[test]
fn fuzz_server_connection_flipped_bits() {
    for seed in 1..=SCRIPTS {
        let mut random = Random::new(seed.wrapping_mul(0xda94_2042_e4dd_58b5));
        let opening = ["v31", "v311", "v5 method=m will=t,x", "v5 rm=1"][random.below(4)];
        let mut bytes = words::connect("c", opening);
        for _ in 0..random.below(30) {
            let line = fuzz::LINES[random.below(fuzz::LINES.len())];
            bytes.extend(words::packet(words::version(opening), line));
        }
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let mut rig = Rig::new(1 + (seed % 2) as u8);
        rig.lenient = true;
        rig.open("c", opening);
        rig.write("c", &bytes);
        let heard = rig.client("c").received;
        assert!(heard < 64 * 1024, "seed {seed}: {heard} bytes for {} bytes", bytes.len());
    }
}

fn run(seed: u64, script: &[u8]) {
    let result = std::panic::catch_unwind(|| fuzz::server_connection(script));
    assert!(result.is_ok(), "seed {seed}: {script:02x?}");
}
