//! Every form of a seed, and no others.

use tetrarch_simulator::Seed;

#[test]
fn numbers_and_commit_hashes_are_seeds() {
    assert_eq!("17".parse(), Ok(Seed::new(17)));
    assert_eq!("0xff".parse(), Ok(Seed::new(255)));
    let commit = "f47d229f00000000000000000000000000000000";
    let seed: Seed = commit.parse().unwrap();
    assert_eq!(commit.to_uppercase().parse(), Ok(seed));
    assert_ne!(commit.replace('f', "e").parse(), Ok(seed));
}

#[test]
fn nothing_else_is_one() {
    for text in ["", "-1", "0x", "abc", "1.5", "18446744073709551616", "f47d229f0000000000000000000000000000000"] {
        assert!(text.parse::<Seed>().is_err(), "{text}");
    }
}
