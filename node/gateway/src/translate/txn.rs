//! Transactions.

use tetrarch_kv::{Compare, Comparison, KeyRange, KvError, Operation, Target, TxnRequest};

use super::{delete_range, lease_id, put, range};
use crate::messages::txn::{self, CompareResult, CompareTarget, RequestOp, TargetUnion};
use crate::refusal::Refusal;

/// A transaction. How deep they may nest, the decoder of messages has bounded.
pub(crate) fn txn(message: txn::TxnRequest) -> Result<TxnRequest, Refusal> {
    Ok(TxnRequest {
        compares: message.compare.into_iter().map(compare).collect::<Result<_, _>>()?,
        success: operations(message.success)?,
        failure: operations(message.failure)?,
    })
}

fn operations(messages: Vec<RequestOp>) -> Result<Vec<Operation>, Refusal> {
    messages.into_iter().map(operation).collect()
}

fn operation(message: RequestOp) -> Result<Operation, Refusal> {
    match message.request {
        Some(txn::Operation::Range(message)) => Ok(Operation::Range(range(message)?)),
        Some(txn::Operation::Put(message)) => Ok(Operation::Put(put(message))),
        Some(txn::Operation::DeleteRange(message)) => Ok(Operation::DeleteRange(delete_range(message))),
        Some(txn::Operation::Txn(message)) => Ok(Operation::Txn(txn(message)?)),
        // What etcd says of an operation that is none.
        None => Err(KvError::KeyNotFound.into()),
    }
}

fn compare(message: txn::Compare) -> Result<Compare, Refusal> {
    let result = match CompareResult::try_from(message.result) {
        Ok(CompareResult::Equal) => Comparison::Equal,
        Ok(CompareResult::Greater) => Comparison::Greater,
        Ok(CompareResult::Less) => Comparison::Less,
        Ok(CompareResult::NotEqual) => Comparison::NotEqual,
        Err(_) => return Err(Refusal::InvalidCompare),
    };
    let target = CompareTarget::try_from(message.target).map_err(|_| Refusal::InvalidCompare)?;
    let range = KeyRange { key: message.key, end: message.range_end };
    Ok(Compare { range, result, target: with_value(target, message.target_union) })
}

/// The value that belongs to the target. As in etcd, one of another kind counts as none, and none is zero or empty.
fn with_value(target: CompareTarget, value: Option<TargetUnion>) -> Target {
    match (target, value) {
        (CompareTarget::Version, Some(TargetUnion::Version(number))) => Target::Version(number),
        (CompareTarget::Version, _) => Target::Version(0),
        (CompareTarget::Create, Some(TargetUnion::CreateRevision(number))) => Target::Create(number),
        (CompareTarget::Create, _) => Target::Create(0),
        (CompareTarget::Mod, Some(TargetUnion::ModRevision(number))) => Target::Mod(number),
        (CompareTarget::Mod, _) => Target::Mod(0),
        (CompareTarget::Value, Some(TargetUnion::Value(value))) => Target::Value(value),
        (CompareTarget::Value, _) => Target::Value(Vec::new()),
        (CompareTarget::Lease, Some(TargetUnion::Lease(id))) => Target::Lease(lease_id(id)),
        (CompareTarget::Lease, _) => Target::Lease(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparing(result: i32, target: CompareTarget, value: Option<TargetUnion>) -> txn::TxnRequest {
        let compare =
            txn::Compare { result, target: target.into(), key: b"k".to_vec(), target_union: value, range_end: vec![] };
        txn::TxnRequest { compare: vec![compare], ..Default::default() }
    }

    #[test]
    fn a_value_of_another_kind_counts_as_none() {
        let value = Some(TargetUnion::Version(9));
        let table = [
            (CompareTarget::Version, Target::Version(9)),
            (CompareTarget::Create, Target::Create(0)),
            (CompareTarget::Mod, Target::Mod(0)),
            (CompareTarget::Value, Target::Value(Vec::new())),
            (CompareTarget::Lease, Target::Lease(0)),
        ];
        for (target, expected) in table {
            assert_eq!(txn(comparing(0, target, value.clone())).unwrap().compares[0].target, expected);
        }
    }

    #[test]
    fn unknown_compares_and_operations_that_are_none_are_refused() {
        assert_eq!(txn(comparing(4, CompareTarget::Mod, None)), Err(Refusal::InvalidCompare));
        let empty = txn::TxnRequest { failure: vec![RequestOp { request: None }], ..Default::default() };
        assert_eq!(txn(empty), Err(Refusal::Store(KvError::KeyNotFound)));
    }

    #[test]
    fn transactions_nest() {
        let inner = comparing(3, CompareTarget::Lease, Some(TargetUnion::Lease(5)));
        let nested = RequestOp { request: Some(txn::Operation::Txn(inner)) };
        let outer = txn(txn::TxnRequest { success: vec![nested], ..Default::default() }).unwrap();
        let Operation::Txn(inner) = &outer.success[0] else { panic!("{outer:?}") };
        assert_eq!(inner.compares, [Compare::new("k", Comparison::NotEqual, Target::Lease(5))]);
    }
}
