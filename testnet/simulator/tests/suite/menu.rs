//! The menu of faults is whole: numbered, and nothing that can go wrong stands beside it. And the rules of the protocol that seeds show at
//! work are told from those that they cannot. That all of it happens is for the ten thousand seeds to show.

use std::collections::BTreeSet;
use std::path::Path;

use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::client::Mischief;
use tetrarch_simulator::coverage::{ELSEWHERE, SHOWN};
use tetrarch_simulator::faults::{LOST_WRITES, MessageTrouble, NodeTrouble, WritePoint, forms};
use tetrarch_simulator::menu::{MENU, missing};

#[test]
fn it_is_numbered() {
    let numbers: Vec<u8> = MENU.iter().map(|item| item.number).collect();
    assert_eq!(numbers, (1..=37).collect::<Vec<u8>>());
    let names: BTreeSet<&str> = MENU.iter().map(|item| item.name).collect();
    assert_eq!(names.len(), MENU.len());
}

#[test]
fn nothing_that_can_go_wrong_stands_beside_it() {
    let on_the_menu: BTreeSet<&str> = MENU.iter().flat_map(|item| item.counters()).collect();
    let all = (Lie::ALL.iter().map(|lie| lie.name()))
        .chain(Lie::ALL.iter().flat_map(|lie| lie.forms().iter().copied()))
        .chain(Mischief::ALL.into_iter().flat_map(|kind| kind.forms().iter().copied()))
        .chain(MessageTrouble::ALL.map(MessageTrouble::name))
        .chain(NodeTrouble::ALL.map(NodeTrouble::name))
        .chain(WritePoint::ALL.map(WritePoint::name))
        .chain(forms::ALL)
        .chain([LOST_WRITES]);
    let beside: Vec<&str> = all.filter(|name| !on_the_menu.contains(name)).collect();
    assert_eq!(beside, [""; 0]);
}

#[test]
fn each_fault_is_counted_by_names_of_its_own() {
    for item in MENU {
        assert!(!item.counters().is_empty(), "{item:?}");
        for other in MENU.iter().filter(|other| other.number != item.number) {
            assert!(item.counters().is_disjoint(&other.counters()), "{item:?} and {other:?}");
        }
    }
}

#[test]
fn every_form_of_a_lie_has_a_name_of_its_own() {
    let names = || Lie::ALL.iter().flat_map(|lie| lie.forms().iter().copied().chain([lie.name()]));
    assert_eq!(names().count(), names().collect::<BTreeSet<_>>().len());
    let is_kebab = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(names().all(is_kebab), "{:?}", names().collect::<Vec<_>>());
}

#[test]
fn a_rule_is_shown_or_elsewhere_and_named_once() {
    let named = SHOWN.into_iter().chain(ELSEWHERE.map(|(rule, _)| rule));
    assert_eq!(named.clone().count(), named.collect::<BTreeSet<_>>().len());
}

#[test]
fn what_is_tested_elsewhere_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for path in MENU.iter().filter_map(|item| item.elsewhere) {
        assert!(root.join(path).is_file(), "{path}");
    }
}

#[test]
fn what_was_not_counted_is_missing() {
    assert_eq!(missing(|_| true).len(), 0);
    let all = missing(|_| false);
    assert_eq!(all.len(), MENU.len());
    let of_fork = missing(|name| name != "forks");
    assert_eq!(
        of_fork.iter().map(|(item, names)| (item.number, names.clone())).collect::<Vec<_>>(),
        [(36, vec!["forks"])]
    );
}
