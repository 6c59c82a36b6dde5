//! What the gateway counts, for Prometheus.

use std::time::Instant;

use axum::extract::Request;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tonic::Code;

/// What [`Metrics::text`] is written in.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. Labels are methods that are served, and gRPC's codes: clients cannot invent any.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Method, Histogram, fn() -> Histogram>,
    bundles: Histogram,
    commands: Gauge,
    ordered_reads: Counter,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    code: String,
}

/// Something that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tetrarch_gateway"),
            requests: Family::default(),
            durations: Family::new_with_constructor(latencies),
            bundles: Histogram::new(exponential_buckets(1.0, 2.0, 8)),
            commands: Gauge::default(),
            ordered_reads: Counter::default(),
            connections: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Calls answered, streams when they begin", self.requests.clone());
        registry.register("request_duration_seconds", "From a call to its answer", self.durations.clone());
        registry.register("bundle_requests", "Requests that travelled as one command", self.bundles.clone());
        registry.register("commands_under_way", "Commands that are being ordered", self.commands.clone());
        registry.register(
            "ordered_reads",
            "Reads that were ordered because replicas did not agree",
            self.ordered_reads.clone(),
        );
        registry.register("connections", "Connections that are open", self.connections.clone());
    }

    /// Counts a call, and how long its answer took. The method of what is not served is `other`: its name is the client's invention.
    pub(crate) async fn counted<B>(
        &self,
        request: Request,
        answer: impl AsyncFnOnce(Request) -> http::Response<B>,
    ) -> http::Response<B> {
        let started = Instant::now();
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let response = answer(request).await;
        let code = code(&response);
        let method = if code == Code::Unimplemented { "other".to_owned() } else { path };
        let answered = Answered {
            method: method.clone(),
            code: if code == Code::Ok { "OK".to_owned() } else { format!("{code:?}") },
        };
        self.requests.get_or_create(&answered).inc();
        self.durations.get_or_create(&Method { method }).observe(started.elapsed().as_secs_f64());
        response
    }

    /// A command of so many requests is on its way until the guard is dropped.
    pub(crate) fn command(&self, requests: usize) -> UnderWay {
        self.bundles.observe(u32::try_from(requests).map_or(f64::INFINITY, f64::from));
        begin(&self.commands)
    }

    /// A connection is open until the guard is dropped.
    pub(crate) fn connected(&self) -> UnderWay {
        begin(&self.connections)
    }

    /// A read is ordered, because replicas did not agree on an answer.
    pub(crate) fn read_ordered(&self) {
        self.ordered_reads.inc();
    }

    /// Everything, in OpenMetrics' text.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn begin(gauge: &Gauge) -> UnderWay {
    gauge.inc();
    UnderWay(gauge.clone())
}

/// From a millisecond to sixteen seconds.
fn latencies() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

/// A refusal's code stands in the header, and beside what is answered as JSON. What has none there is an answer, whose trailer says OK, or a
/// stream that has begun.
fn code<B>(response: &http::Response<B>) -> Code {
    let header = || response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    response.extensions().get().copied().or_else(header).unwrap_or(Code::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn call(metrics: &Metrics, path: &str, status: Option<&str>) {
        let request = Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
        let mut response = http::Response::new(());
        if let Some(status) = status {
            response.headers_mut().insert("grpc-status", status.parse().unwrap());
        }
        metrics.counted(request, async |_| response).await;
    }

    #[tokio::test]
    async fn clients_invent_no_labels() {
        let metrics = Metrics::new();
        call(&metrics, "/etcdserverpb.KV/Put", None).await;
        call(&metrics, "/etcdserverpb.KV/Put", Some("14")).await;
        for path in ["/a", "/b", "/etcdserverpb.Auth/UserAdd"] {
            call(&metrics, path, Some("12")).await;
        }
        let text = metrics.text().unwrap();
        for line in [
            r#"requests_total{method="etcdserverpb.KV/Put",code="OK"} 1"#,
            r#"requests_total{method="etcdserverpb.KV/Put",code="Unavailable"} 1"#,
            r#"requests_total{method="other",code="Unimplemented"} 3"#,
            r#"request_duration_seconds_count{method="etcdserverpb.KV/Put"} 2"#,
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.matches("requests_total{").count(), 3);
    }

    #[test]
    fn what_is_under_way_is_counted_until_it_ends() {
        let metrics = Metrics::new();
        let two = [metrics.command(3), metrics.command(1)];
        assert!(metrics.text().unwrap().contains("commands_under_way 2"));
        drop(two);
        let text = metrics.text().unwrap();
        assert!(text.contains("commands_under_way 0") && text.contains("bundle_requests_sum 4"), "{text}");
    }
}
