//! What is answered over plain HTTP, at the same address: etcd's `/health` and `/version`, and `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use http::{StatusCode, header};
use tetrarch_kv_client::Backend;

use super::maintenance::ETCD_VERSION;
use crate::gateway::Gateway;
use crate::metrics::CONTENT_TYPE;

/// A status, a kind of content, and the content.
type Page = (StatusCode, [(header::HeaderName, &'static str); 1], String);

/// Whether the cluster answers.
pub(super) async fn health<B: Backend>(State(gateway): State<Arc<Gateway<B>>>) -> Page {
    match gateway.status().await {
        Ok(_) => json(StatusCode::OK, r#"{"health":"true","reason":""}"#.to_owned()),
        Err(_) => {
            json(StatusCode::SERVICE_UNAVAILABLE, r#"{"health":"false","reason":"UNHEALTHY CLUSTER"}"#.to_owned())
        }
    }
}

/// Which etcd this is like.
pub(super) async fn version() -> Page {
    let minor = ETCD_VERSION.rsplit_once('.').map_or(ETCD_VERSION, |(minor, _)| minor);
    json(StatusCode::OK, format!(r#"{{"etcdserver":"{ETCD_VERSION}","etcdcluster":"{minor}.0"}}"#))
}

/// What was counted, for Prometheus.
pub(super) async fn metrics<B: Backend>(State(gateway): State<Arc<Gateway<B>>>) -> Page {
    match gateway.metrics.text() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], error.to_string()),
    }
}

fn json(status: StatusCode, content: String) -> Page {
    (status, [(header::CONTENT_TYPE, "application/json")], content)
}
