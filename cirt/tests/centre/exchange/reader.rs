//! A peer that reads our servers, without a network in between.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// What a peer reads over HTTP.
pub(crate) struct Reader {
    router: axum::Router,
    authorization: String,
}

impl Reader {
    /// Reads as a peer with its password.
    pub(crate) fn new(router: axum::Router, name: &str, password: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        Self {
            router,
            authorization,
        }
    }

    pub(crate) async fn ask(&self, request: Builder, body: Body) -> Response {
        let request = request.header("authorization", &self.authorization);
        let router = self.router.clone();
        router.oneshot(request.body(body).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let response = self
            .ask(Request::get(path).header("accept", "*/*"), Body::empty())
            .await;
        let status = response.status().as_u16();
        (status, whole(response).await)
    }

    /// Every object of every collection that it may read, all versions.
    pub(crate) async fn taxii(&self) -> Vec<Value> {
        let (_, body) = self.get("/taxii2/lapwing/collections/").await;
        let found: Value = serde_json::from_slice(&body).unwrap();
        let mut objects = Vec::new();
        for collection in found["collections"].as_array().unwrap() {
            if collection["can_read"] != true {
                continue;
            }
            let alias = collection["alias"].as_str().unwrap();
            let path =
                format!("/taxii2/lapwing/collections/{alias}/objects/?match%5Bversion%5D=all");
            let (status, body) = self.get(&path).await;
            assert_eq!(status, 200);
            let page: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(page["more"], false);
            objects.extend(page["objects"].as_array().cloned().unwrap_or_default());
        }
        objects
    }

    /// Every event of the feed.
    pub(crate) async fn feed(&self) -> Vec<Value> {
        let (status, body) = self.get("/misp/manifest.json").await;
        assert_eq!(status, 200);
        let manifest: BTreeMap<String, Value> = serde_json::from_slice(&body).unwrap();
        let mut events = Vec::new();
        for uuid in manifest.keys() {
            let (status, body) = self.get(&format!("/misp/{uuid}.json")).await;
            assert_eq!(status, 200);
            events.push(serde_json::from_slice(&body).unwrap());
        }
        events
    }
}

/// The body of an answer.
pub(crate) async fn whole(response: Response) -> Vec<u8> {
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().to_vec()
}
