use buddy_core::id::new_id;
use buddy_core::time::UnixMillis;

use super::*;

const ROW: &[u8] = &[7; 16];
const TEXT: &[u8] = b"canary-secret-0123456789";

fn master(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; KEY_LEN])
}

fn ring(first: u8, others: &[u8]) -> Keyring {
    Keyring::new(master(first), others.iter().copied().map(master).collect())
}

fn refused(result: &Result<Zeroizing<Vec<u8>>, StoreError>) -> bool {
    matches!(result, Err(StoreError::Sealed { .. }))
}

#[test]
fn a_master_key_is_exactly_32_bytes_in_standard_base64() {
    let text = master(0xfb).to_base64();
    assert_eq!(text.len(), 44);
    assert_eq!(MasterKey::from_base64(&text).unwrap().0, [0xfb; 32]);
    let short = BASE64_STANDARD.encode([1; 31]);
    let long = BASE64_STANDARD.encode([1; 33]);
    let url_safe = text.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, *text);
    for bad in ["", "nonsense", &short, &long, &url_safe, text.trim_end_matches('='), &format!("{}\n", *text)]
    {
        assert_eq!(MasterKey::from_base64(bad).map(|_| ()), Err(BadMasterKey), "{bad:?}");
    }
}

#[test]
fn what_was_sealed_opens_and_shows_nothing_while_sealed() {
    for text in [TEXT, b"", &vec![0; 70_000]] {
        let sealed = ring(1, &[]).seal(Place::Identity, ROW, text);
        assert_eq!(sealed.len(), 1 + 4 + 12 + text.len() + 16);
        assert!(text.is_empty() || !sealed.windows(text.len()).any(|window| window == text));
        assert_eq!(*ring(1, &[]).open(Place::Identity, ROW, &sealed).unwrap(), text);
    }
}

#[test]
fn no_two_seals_of_one_text_are_the_same() {
    let ring = ring(1, &[]);
    assert_ne!(ring.seal(Place::Identity, ROW, TEXT), ring.seal(Place::Identity, ROW, TEXT));
}

#[test]
fn a_sealed_value_opens_only_in_its_own_place_and_row() {
    let ring = ring(1, &[]);
    let places = [
        Place::CallbackSecret,
        Place::NextCallbackSecret,
        Place::Identity,
        Place::MessageText,
        Place::Canary,
    ];
    for from in places {
        let sealed = ring.seal(from, ROW, TEXT);
        for to in places {
            assert_eq!(ring.open(to, ROW, &sealed).is_ok(), from == to, "{from:?} in {to:?}");
        }
        assert!(refused(&ring.open(from, &[8; 16], &sealed)), "{from:?} in another row");
    }
}

#[test]
fn one_altered_or_missing_byte_anywhere_is_refused() {
    let ring = ring(1, &[]);
    let sealed = ring.seal(Place::CallbackSecret, ROW, TEXT);
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(refused(&ring.open(Place::CallbackSecret, ROW, &altered)), "byte {at}");
        assert!(refused(&ring.open(Place::CallbackSecret, ROW, &sealed[..at])), "cut at {at}");
    }
    let longer = [sealed.as_slice(), &[0]].concat();
    assert!(refused(&ring.open(Place::CallbackSecret, ROW, &longer)));
}

#[test]
fn the_first_key_seals_and_every_key_of_the_ring_opens() {
    let old = ring(1, &[]).seal(Place::Identity, ROW, TEXT);
    let both = ring(2, &[1]);
    assert_eq!(*both.open(Place::Identity, ROW, &old).unwrap(), TEXT);
    let new = both.seal(Place::Identity, ROW, TEXT);
    assert!(ring(2, &[]).open(Place::Identity, ROW, &new).is_ok());
    assert!(refused(&ring(1, &[]).open(Place::Identity, ROW, &new)));
    assert!(refused(&ring(2, &[]).open(Place::Identity, ROW, &old)));
}

#[test]
fn a_user_hash_depends_on_the_key_the_agent_and_the_user() {
    let one: AgentId = new_id(UnixMillis(1), [1; 10]);
    let two: AgentId = new_id(UnixMillis(1), [2; 10]);
    let hash = ring(1, &[]).user_hash(one, "42");
    assert_eq!(hash, ring(1, &[9]).user_hash(one, "42"));
    assert_ne!(hash, ring(1, &[]).user_hash(two, "42"));
    assert_ne!(hash, ring(1, &[]).user_hash(one, "43"));
    assert_ne!(hash, ring(2, &[]).user_hash(one, "42"));
    assert!(ring(2, &[1]).user_hashes(one, "42").contains(&hash));
}

#[test]
fn debug_prints_nothing_of_a_key() {
    assert_eq!(format!("{:?} {:?}", master(65), ring(65, &[])), "MasterKey(…) Keyring(…)");
}
