//! What sealing costs: an identity's, when a session is settled, and its opening, each time that it is asked for.

use buddy_core::id::{SessionId, new_id};
use buddy_core::limits::ANSWER_BYTES_MAX;
use buddy_core::time::UnixMillis;
use buddy_store::bench::{open_identity, seal_identity};
use buddy_store::{Keyring, MasterKey};
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Bytes of an identity's JSON: with some attributes, as most have, and as large as its answer may have been.
const SIZES: [usize; 2] = [256, ANSWER_BYTES_MAX];
/// AES-GCM takes as long for any.
const CLEAR_BYTE: u8 = b'a';

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn seal(bencher: Bencher<'_, '_>, size: usize) {
    let (keyring, id, text) = (keyring(), session_id(), vec![CLEAR_BYTE; size]);
    bencher
        .counter(BytesCount::new(size))
        .bench(|| seal_identity(black_box(&keyring), black_box(id), black_box(&text)));
}

#[divan::bench(args = SIZES)]
fn open(bencher: Bencher<'_, '_>, size: usize) {
    let (keyring, id, text) = (keyring(), session_id(), vec![CLEAR_BYTE; size]);
    let sealed = seal_identity(&keyring, id, &text);
    assert!(!sealed.windows(size).any(|window| window == text), "it was sealed");
    bencher.counter(BytesCount::new(size)).bench(|| {
        let opened = open_identity(black_box(&keyring), black_box(id), black_box(&sealed));
        opened.expect("sealed by this key, for this session")
    });
}

fn keyring() -> Keyring {
    Keyring::new(MasterKey::from_bytes([7; 32]), Vec::new())
}

fn session_id() -> SessionId {
    new_id(UnixMillis(1_717_000_000_000), [7; 10])
}
