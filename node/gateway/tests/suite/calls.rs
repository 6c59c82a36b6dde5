//! What etcdctl does not ask: plain gRPC calls against a gateway.

use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::local::Local;
use prost::Message;
use tetrarch_gateway::Options;
use tetrarch_gateway::messages::auth::{
    AuthStatusRequest, AuthStatusResponse, AuthenticateRequest, AuthenticateResponse,
};
use tetrarch_gateway::messages::cluster::{MemberListRequest, MemberListResponse};
use tetrarch_gateway::messages::health::{HealthCheckRequest, HealthCheckResponse};
use tetrarch_gateway::messages::kv::{
    DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse,
};
use tetrarch_gateway::messages::lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse,
};
use tetrarch_gateway::messages::maintenance::{HashRequest, HashResponse};
use tetrarch_gateway::messages::txn::{Operation, RequestOp, TxnRequest, TxnResponse};
use tonic::{Code, Status};

const RANGE: &str = "/etcdserverpb.KV/Range";
const PUT: &str = "/etcdserverpb.KV/Put";
const TXN: &str = "/etcdserverpb.KV/Txn";

/// Every key.
fn everything() -> RangeRequest {
    RangeRequest { key: vec![0], range_end: vec![0], ..Default::default() }
}

fn told<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), status.message().to_owned())
}

#[tokio::test]
async fn counting_reads_nothing_else() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    for key in ["a", "b", "c"] {
        caller.put(key.as_bytes(), b"value").await.unwrap();
    }
    let counting = RangeRequest { count_only: true, serializable: true, ..everything() };
    let response: RangeResponse = caller.call(RANGE, counting).await.unwrap();
    assert_eq!((response.count, response.kvs.len(), response.more), (3, 0, false));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_comes_in_pages_of_one_revision() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    for key in 0..8_u8 {
        caller.put(&[key + 1], &vec![key; 1_000_000]).await.unwrap();
    }
    let response: RangeResponse = caller.call(RANGE, everything()).await.unwrap();
    assert_eq!((response.count, response.kvs.len(), response.more), (8, 8, false));
    assert!(response.kvs.iter().zip(0..).all(|(kv, key)| kv.key == [key + 1] && kv.value == vec![key; 1_000_000]));
    let response: RangeResponse = caller.call(RANGE, RangeRequest { limit: 5, ..everything() }).await.unwrap();
    assert_eq!((response.count, response.kvs.len(), response.more), (8, 5, true));
    assert_eq!(response.header.unwrap().revision, 9);
}

/// What the gateway's page says of large ranges (`specs/gateway.md`).
#[tokio::test]
async fn a_large_range_is_listed_and_deleted_in_pieces() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    for key in 1..=17 {
        caller.put(&[key], &[0; 1_000_000]).await.unwrap();
    }
    let names = RangeRequest { keys_only: true, ..everything() };
    let within = vec![RequestOp { request: Some(Operation::Range(names.clone())) }];
    let txn = caller.call::<_, TxnResponse>(TXN, TxnRequest { success: within, ..Default::default() }).await;
    let delete = async |key: u8, range_end: u8| {
        let delete = DeleteRangeRequest { key: vec![key], range_end: vec![range_end], prev_kv: false };
        caller.call::<_, DeleteRangeResponse>("/etcdserverpb.KV/DeleteRange", delete).await
    };
    for refused in [told(txn), told(delete(1, 18).await)] {
        let (code, text) = refused;
        assert_eq!(code, Code::ResourceExhausted);
        assert!(text.contains("ask for less together") && !text.contains("alone"), "it was alone: {text}");
    }
    let listed: RangeResponse = caller.call(RANGE, names).await.unwrap();
    assert_eq!((listed.kvs.len(), listed.more), (17, false), "nothing of it was deleted");
    assert_eq!((delete(1, 9).await.unwrap().deleted, delete(9, 18).await.unwrap().deleted), (8, 9));
}

#[tokio::test]
async fn what_is_too_large_is_told_so_in_etcds_words() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let too_large = (Code::InvalidArgument, "etcdserver: request is too large".to_owned());
    for bytes in [1_048_577, 1_600_000, 3_000_000] {
        assert_eq!(told(caller.put(b"k", &vec![0; bytes]).await), too_large, "{bytes} bytes");
    }
    assert_eq!(caller.put(b"k", &vec![0; 1_048_576]).await.unwrap().revision, 2);
    let many = vec![RequestOp { request: Some(Operation::Range(everything())) }; 129];
    let txn = TxnRequest { success: many, ..Default::default() };
    let too_many = (Code::InvalidArgument, "etcdserver: too many operations in txn request".to_owned());
    assert_eq!(told(caller.call::<_, TxnResponse>(TXN, txn).await), too_many);
}

#[tokio::test]
async fn what_is_too_large_to_be_read_is_told_so_in_grpcs_words() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let message = PutRequest { key: b"k".to_vec(), value: vec![0; 5_000_000], ..Default::default() };
    let text = format!("grpc: received message larger than max ({} vs. 4194304)", message.encoded_len());
    let refused = caller.call::<_, PutResponse>(PUT, message.clone()).await;
    assert_eq!(told(refused), (Code::ResourceExhausted, text.clone()));
    let path = "/etcdserverpb.Watch/Watch";
    let mut stream = caller.stream::<_, PutResponse>(path, tokio_stream::iter([message])).await.unwrap();
    assert_eq!(told(stream.message().await), (Code::ResourceExhausted, text));
}

#[tokio::test]
async fn malformed_puts_are_told_so_in_etcds_words() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let put = PutRequest { key: b"k".to_vec(), value: b"v".to_vec(), lease: 1, ..Default::default() };
    let table = [
        (PutRequest { key: Vec::new(), lease: 0, ..put.clone() }, "key is not provided"),
        (PutRequest { ignore_value: true, lease: 0, ..put.clone() }, "value is provided"),
        (PutRequest { ignore_lease: true, ..put.clone() }, "lease is provided"),
        (PutRequest { ignore_value: true, value: Vec::new(), lease: 0, ..put }, "key not found"),
    ];
    for (message, text) in table {
        let expected = (Code::InvalidArgument, format!("etcdserver: {text}"));
        assert_eq!(told(caller.call::<_, PutResponse>(PUT, message).await), expected);
    }
}

#[tokio::test]
async fn many_keepalives_of_one_stream_are_answered_in_order() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let mut ids = Vec::new();
    for ttl in 10..60 {
        let grant = LeaseGrantRequest { ttl, id: 0 };
        let granted: LeaseGrantResponse = caller.call("/etcdserverpb.Lease/LeaseGrant", grant).await.unwrap();
        ids.push((granted.id, ttl));
    }
    ids.push((77, 0));
    let asked: Vec<_> = ids.iter().map(|(id, _)| LeaseKeepAliveRequest { id: *id }).collect();
    let mut replies = caller
        .stream::<_, LeaseKeepAliveResponse>("/etcdserverpb.Lease/LeaseKeepAlive", tokio_stream::iter(asked))
        .await
        .unwrap();
    let mut kept = Vec::new();
    while let Some(reply) = replies.message().await.unwrap() {
        kept.push((reply.id, reply.ttl));
    }
    assert_eq!(kept, ids);
    let grant = LeaseGrantRequest { ttl: 10, id: ids[0].0 };
    let twice = caller.call::<_, LeaseGrantResponse>("/etcdserverpb.Lease/LeaseGrant", grant).await;
    assert_eq!(told(twice), (Code::FailedPrecondition, "etcdserver: lease already exists".to_owned()));
    let grant = LeaseGrantRequest { ttl: 9_000_000_001, id: 0 };
    let long = caller.call::<_, LeaseGrantResponse>("/etcdserverpb.Lease/LeaseGrant", grant).await;
    assert_eq!(told(long), (Code::OutOfRange, "etcdserver: too large lease TTL".to_owned()));
}

/// Transactions within each other, so many.
fn nested(depth: usize) -> TxnRequest {
    (0..depth).fold(TxnRequest::default(), |inner, _| {
        let operation = RequestOp { request: Some(Operation::Txn(inner)) };
        TxnRequest { success: vec![operation], ..Default::default() }
    })
}

#[tokio::test]
async fn transactions_nest_as_deep_as_messages_may() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let deep: TxnResponse = caller.call(TXN, nested(45)).await.unwrap();
    assert!(deep.succeeded);
    for depth in [60, 300] {
        let (code, text) = told(caller.call::<_, TxnResponse>(TXN, nested(depth)).await);
        assert_eq!(code, Code::Internal, "{depth}: {text}");
    }
    caller.put(b"k", b"v").await.unwrap();
}

#[tokio::test]
async fn health_and_hash() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let check = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let health: HealthCheckResponse = caller.call("/grpc.health.v1.Health/Check", check("")).await.unwrap();
    assert_eq!(health.status, 1);
    let unknown = caller.call::<_, HealthCheckResponse>("/grpc.health.v1.Health/Check", check("x")).await;
    assert_eq!(told(unknown).0, Code::NotFound);
    let hash = async || caller.call::<_, HashResponse>("/etcdserverpb.Maintenance/Hash", HashRequest {}).await;
    let before = hash().await.unwrap().hash;
    caller.put(b"k", b"v").await.unwrap();
    assert_ne!(hash().await.unwrap().hash, before);
}

#[tokio::test]
async fn clients_are_told_where_they_reach_the_gateway() {
    let urls = async |address: String| {
        let caller = Caller::at(&address).await;
        let asked = MemberListRequest { linearizable: true };
        let list: MemberListResponse = caller.call("/etcdserverpb.Cluster/MemberList", asked).await.unwrap();
        assert!(list.members.windows(2).all(|pair| pair[0].client_urls == pair[1].client_urls));
        list.members[0].client_urls.clone()
    };
    let everywhere = Running::start_at("0.0.0.0", Local::new(), Options::default());
    for ip in ["127.0.0.1", "127.0.0.2"] {
        let address = format!("{ip}:{}", everywhere.address.port());
        assert_eq!(urls(address.clone()).await, [format!("http://{address}")]);
    }
    let advertised = vec!["https://a:1".to_owned(), "https://b:2".to_owned()];
    let chosen = Running::start_with(Local::new(), Options { advertised: advertised.clone(), ..Options::default() });
    assert_eq!(urls(chosen.endpoint()).await, advertised);
}

#[tokio::test]
async fn a_client_that_is_given_a_user_is_told_that_there_are_none() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let asked = AuthenticateRequest { name: "root".to_owned(), password: "secret".to_owned() };
    let refused = caller.call::<_, AuthenticateResponse>("/etcdserverpb.Auth/Authenticate", asked).await;
    // Go's client goes on without a token on this code and text, and on no other.
    let expected = (Code::FailedPrecondition, "etcdserver: authentication is not enabled".to_owned());
    assert_eq!(told(refused), expected);
    let status = caller.call("/etcdserverpb.Auth/AuthStatus", AuthStatusRequest {}).await;
    let status: AuthStatusResponse = status.unwrap();
    assert_eq!((status.enabled, status.auth_revision, status.header.unwrap().revision), (false, 1, 1));
}

#[tokio::test]
async fn what_is_not_served_says_why() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    for path in ["/etcdserverpb.Maintenance/Downgrade", "/etcdserverpb.Auth/AuthEnable", "/v3lockpb.Lock/Wait", "/a/b"]
    {
        let (code, text) = told(caller.call::<_, PutResponse>(path, PutRequest::default()).await);
        assert_eq!(code, Code::Unimplemented);
        assert!(text.starts_with("tetrarch: ") && text.len() > 30, "{path}: {text}");
    }
}
