//! This crate's README is a doc test, so its listing compiles as the whole program that it is.

use std::path::Path;

/// The first listing in Rust, whatever its fence is called.
fn listing(readme: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(readme);
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("```r").expect("a listing");
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_working_endpoint_is_the_same_program_in_both_readmes_and_short() {
    let tested = listing("README.md");
    assert!(tested.contains("async fn main()") && tested.lines().count() <= 25);
    assert_eq!(tested, listing("../rust/README.md"));
}
