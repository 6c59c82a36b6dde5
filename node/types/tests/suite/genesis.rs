//! The genesis document: what is refused, what makes its identity, and its text.

use crate::support::{Chain, arbitrary, digest};
use proptest::prelude::*;
use tetrarch_crypto::{PublicKey, Signer, SigningKey, WeakKey};
use tetrarch_types::limits::{MAX_REPLICAS, MAX_WINDOW};
use tetrarch_types::{Genesis, GenesisError, Parameters};

fn sized(size: usize) -> Result<(), GenesisError> {
    Chain::of(size).genesis.check()
}

#[test]
fn one_replica_or_four_to_a_hundred() {
    for size in [1, 4, 5, 31, MAX_REPLICAS] {
        assert_eq!(sized(size), Ok(()));
    }
    for size in [0, 2, 3, MAX_REPLICAS + 1] {
        assert_eq!(sized(size), Err(GenesisError::Size(size)));
    }
}

#[test]
fn weak_keys_are_refused_by_name() {
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for (key, reason) in [([0; 32], WeakKey::SmallOrder), (no_point, WeakKey::NotOnCurve)] {
        for replica in 0..4 {
            let mut genesis = Chain::of(4).genesis;
            genesis.replicas[replica].public_key = PublicKey::from_bytes(key);
            assert_eq!(genesis.check(), Err(GenesisError::Key { replica, reason }));
        }
    }
}

#[test]
fn no_two_replicas_share_a_key() {
    for (one, other) in [(0, 1), (0, 3), (1, 2)] {
        let mut genesis = Chain::of(4).genesis;
        genesis.replicas[other].public_key = genesis.replicas[one].public_key;
        assert_eq!(genesis.check(), Err(GenesisError::SharedKey(one, other)));
    }
}

#[test]
fn parameters_lie_within_their_bounds() {
    let check = |interval, window| {
        let parameters = Parameters { checkpoint_interval: interval, window };
        let verdict = Genesis { parameters, ..Chain::of(4).genesis }.check();
        assert!(verdict.is_ok() || verdict == Err(GenesisError::Parameters { interval, window }));
        verdict.is_ok()
    };
    assert!(check(1, 2) && check(128, 256) && check(MAX_WINDOW / 2, MAX_WINDOW) && check(1, MAX_WINDOW));
    assert!(!check(0, 256) && !check(0, 0), "no interval");
    assert!(!check(1, 1) && !check(128, 255), "less than two intervals");
    assert!(!check(1, MAX_WINDOW + 1) && !check(u64::MAX, u64::MAX) && !check(u64::MAX / 2 + 1, 0), "too wide");
    assert_eq!(Genesis { parameters: Parameters::default(), ..Chain::of(4).genesis }.check(), Ok(()));
}

#[test]
fn text_that_is_no_genesis_is_refused() {
    let text = Chain::of(4).genesis.to_json();
    let broken = [
        String::new(),
        "{}".into(),
        "null".into(),
        text.replace("\"salt\"", "\"pepper\""),
        text.replace("127.0.0.1:7000", "localhost"),
        text.replace("5a5a5a5a", "5a5a5a5"),
        text.replace("\"window\": 8", "\"window\": -8"),
        format!("{text}{{}}"),
    ];
    for text in broken {
        assert!(matches!(Genesis::from_json(&text), Err(GenesisError::Malformed(_))), "{text}");
    }
}

#[test]
fn text_is_checked_as_well_as_read() {
    let mut genesis = Chain::of(4).genesis;
    genesis.replicas.pop();
    assert_eq!(Genesis::from_json(&genesis.to_json()), Err(GenesisError::Size(3)));
}

#[test]
fn errors_say_what_to_do_about_them() {
    let said = [GenesisError::Size(3).to_string(), GenesisError::SharedKey(0, 2).to_string()];
    assert_eq!(said[0], "3 replicas: a chain has 1 (development only) or 4 to 100 of them");
    assert_eq!(said[1], "replicas 0 and 2 have the same public key");
    let parameters = GenesisError::Parameters { interval: 9, window: 10 }.to_string();
    assert!(parameters.contains("between twice the interval and 4096"), "{parameters}");
}

proptest! {
    #[test]
    fn any_document_comes_back_from_its_text(genesis in arbitrary::genesis()) {
        let text = genesis.to_json();
        let read = serde_json::from_str::<Genesis>(&text).ok();
        prop_assert_eq!(read.as_ref(), Some(&genesis));
        let checked = genesis.check().map(|()| genesis);
        prop_assert_eq!(Genesis::from_json(&text), checked, "read, then checked");
    }

    #[test]
    fn valid_documents_come_back_from_their_text(
        name in any::<String>(), salt in any::<u8>(), size in prop::sample::select(vec![1_usize, 4, 7]),
    ) {
        let genesis = Genesis { chain: name, salt: digest(salt), ..Chain::of(size).genesis };
        prop_assert_eq!(Genesis::from_json(&genesis.to_json()), Ok(genesis));
    }
}

#[test]
fn the_identity_does_not_depend_on_addresses() {
    let mut moved = Chain::of(4).genesis;
    let digest = moved.digest();
    for member in &mut moved.replicas {
        member.peer_address = "[2001:db8::1]:9".parse().unwrap();
        member.client_address = "192.0.2.1:10".parse().unwrap();
    }
    assert_eq!(moved.digest(), digest);
}

#[test]
fn the_identity_depends_on_everything_else() {
    let changes: [fn(&mut Genesis); 8] = [
        |_| (),
        |it| it.chain.push('x'),
        |it| it.salt = digest(0),
        |it| it.parameters.checkpoint_interval = 2,
        |it| it.parameters.window = 16,
        |it| it.replicas.swap(0, 1),
        |it| it.replicas.truncate(3),
        |it| it.replicas[2].public_key = SigningKey::from_seed([77; 32]).public_key(),
    ];
    let mut digests: Vec<_> = changes
        .iter()
        .map(|change| {
            let mut genesis = Chain::of(4).genesis;
            change(&mut genesis);
            genesis.digest()
        })
        .collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), changes.len());
}

#[test]
fn the_membership_is_the_documents() {
    let chain = Chain::of(7);
    let membership = chain.genesis.membership();
    assert_eq!(membership.scope().genesis, chain.genesis.digest());
    assert_eq!(membership.scope().epoch, 0);
    assert_eq!(membership.parameters(), &chain.genesis.parameters);
    for (id, member) in membership.ids().zip(&chain.genesis.replicas) {
        assert_eq!(membership.key(id), Some(&member.public_key));
    }
    assert_eq!(membership.size(), 7);
}

#[test]
fn the_text_reads_like_this() {
    assert_eq!(
        Chain::of(1).genesis.to_json(),
        r#"{
  "chain": "test",
  "salt": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
  "parameters": {
    "checkpoint_interval": 4,
    "window": 8
  },
  "replicas": [
    {
      "public_key": "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
      "peer_address": "127.0.0.1:7000",
      "client_address": "127.0.0.1:7100"
    }
  ]
}
"#
    );
}
