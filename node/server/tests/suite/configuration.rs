//! What is said about a configuration that cannot be used: each a sentence that names the file and what to do.

use std::fs;
use std::path::Path;

use crate::support::Chain;
use tetrarch_crypto::SigningKey;
use tetrarch_server::{ExitClass, Identity, LogFormat, NodeConfig, NodeError};

fn refused(text: &str) -> String {
    let error = NodeConfig::parse(text, Path::new("conf/node.toml")).unwrap_err();
    assert_eq!(error.class(), ExitClass::Usage);
    error.to_string()
}

#[test]
fn an_empty_file_is_all_defaults_beside_it() {
    let config = NodeConfig::parse("", Path::new("/etc/t/node.toml")).unwrap();
    assert_eq!(config.genesis, Path::new("/etc/t/genesis.json"));
    assert_eq!(config.key, Path::new("/etc/t/node.key"));
    assert_eq!(config.data_dir, Path::new("/etc/t/data"));
    assert_eq!((config.base_timeout_ms, config.verifier_workers), (1000, 2));
    assert_eq!((config.log.filter.as_str(), config.log.format), ("info", LogFormat::Text));
}

#[test]
fn absolute_paths_stay_and_tables_are_read() {
    let text = "data_dir = \"/var/t\"\n[log]\nformat = \"json\"\n[pool]\ntransactions = 7\n[peer_addresses]\n2 = \"127.0.0.1:9\"\n";
    let config = NodeConfig::parse(text, Path::new("/etc/t/node.toml")).unwrap();
    assert_eq!(config.data_dir, Path::new("/var/t"));
    assert_eq!((config.log.format, config.pool.transactions), (LogFormat::Json, 7));
    assert_eq!(config.peer_addresses["2"].port(), 9);
}

#[test]
fn what_is_written_reads_as_the_same() {
    let mut config = NodeConfig { base_timeout_ms: 77, key: "/k".into(), ..NodeConfig::default() };
    config.genesis = "/g".into();
    config.data_dir = "/d".into();
    config.peer_addresses.insert("1".to_owned(), "127.0.0.1:1".parse().unwrap());
    let path = Path::new("/x/node.toml");
    let read = NodeConfig::parse(&config.to_toml(), path).unwrap();
    assert_eq!(read, NodeConfig { file: Some(path.to_owned()), ..config });
}

#[test]
fn a_missing_file() {
    let error = NodeConfig::load(Path::new("/nowhere/node.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the configuration: there is no file /nowhere/node.toml; check the path given with --config"
    );
}

#[test]
fn malformed_text_is_named_with_its_line() {
    let text = refused("genesis = \"g\"\nkey = \n");
    assert!(text.starts_with("cannot read the configuration conf/node.toml: line 2: "), "{text}");
    let text = refused("genesis = \"g\"\n\nport = 7\n");
    assert!(text.contains("line 3: unknown field `port`"), "{text}");
    let text = refused("[log]\nformat = \"xml\"\n");
    assert!(text.contains("line 2: unknown variant `xml`"), "{text}");
    let text = refused("base_timeout_ms = \"soon\"\n");
    assert!(text.contains("line 1: invalid type"), "{text}");
}

#[test]
fn senseless_values() {
    let text = refused("base_timeout_ms = 0\n");
    assert_eq!(
        text,
        "cannot use the configuration conf/node.toml: base_timeout_ms must be at least 1 and at most max_timeout_ms; correct it"
    );
    assert!(refused("verifier_workers = 0\n").contains("verifier_workers must lie between 1 and 64"));
    assert!(refused("[pool]\nbytes = 0\n").contains("pool must have room"));
    assert!(refused("[clients]\nconnections = 0\n").contains("clients must let"));
}

#[test]
fn genesis_and_key_must_fit() {
    let chain = Chain::new(4);
    assert_eq!(Identity::load(&chain.config(2)).unwrap().id().get(), 2);

    let stranger = chain.folder.path().join("stranger.key");
    SigningKey::from_seed([200; 32]).save(&stranger, None).unwrap();
    let error = Identity::load(&NodeConfig { key: stranger, ..chain.config(0) }).unwrap_err();
    assert!(matches!(error, NodeError::NotAMember { .. }));
    assert!(error.to_string().contains("belongs to no replica of the genesis file"), "{error}");

    let error = Identity::load(&NodeConfig { key: "/nowhere".into(), ..chain.config(0) }).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot load this replica's key: there is no key file at /nowhere"),
        "{error}"
    );

    let error = Identity::load(&NodeConfig { genesis: "/nowhere".into(), ..chain.config(0) }).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the genesis file /nowhere: "), "{error}");

    for id in ["4", "third"] {
        let mut config = chain.config(0);
        config.peer_addresses.insert(id.to_owned(), "127.0.0.1:9".parse().unwrap());
        let error = Identity::load(&config).unwrap_err();
        assert!(error.to_string().contains("peer_addresses must name replicas"), "{error}");
    }

    fs::write(chain.folder.path().join("genesis.json"), "{").unwrap();
    let error = Identity::load(&chain.config(0)).unwrap_err();
    assert!(error.to_string().contains("the genesis file does not read as genesis JSON"), "{error}");
    assert_eq!(error.class(), ExitClass::Usage);
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_file() {
    let chain = Chain::new(1);
    let key = chain.folder.path().join("locked.key");
    chain.keys[0].save(&key, Some("sesame")).unwrap();
    let config = NodeConfig { key, ..chain.config(0) };
    assert!(Identity::load(&config).unwrap_err().to_string().contains("encrypted"));

    let file = chain.folder.path().join("passphrase");
    fs::write(&file, "sesame\n").unwrap();
    assert!(Identity::load(&NodeConfig { key_passphrase_file: Some(file), ..config }).is_ok());
}
