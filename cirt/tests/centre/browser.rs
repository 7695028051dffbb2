//! A browser without scripts, on the pages' router itself.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION,
    SET_COOKIE,
};
use axum::http::{Request, StatusCode};
use axum::{Extension, Router};
use lapwing_cirt::web::{ClientAddress, WebState, router};
use tower::ServiceExt as _;

use crate::support::{PASSWORD, TestCentre};

/// A browser without scripts: it keeps cookies and reads forms.
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: Vec<(String, String)>,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) policy: String,
    pub(crate) kind: String,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(centre: &TestCentre) -> Self {
        let state = WebState::new(Arc::new(centre.store()), "test");
        let address = ClientAddress(IpAddr::from([192, 0, 2, 99]));
        Self {
            router: router(state).layer(Extension(address)),
            cookies: Vec::new(),
        }
    }

    pub(crate) async fn signed_in(centre: &TestCentre) -> Self {
        let mut browser = Self::new(centre);
        let page = browser.sign_in("admin", PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        browser
    }

    pub(crate) async fn sign_in(&mut self, user: &str, password: &str) -> Page {
        let token = form_token(&self.get("/login").await.body);
        self.post(
            "/login",
            &format!("form_token={token}&user={user}&password={password}&next=/summary"),
        )
        .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Page {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(form.to_owned())).await
    }

    /// Bytes of an answer as it goes over the line, compressed.
    pub(crate) async fn weight(&self, path: &str) -> usize {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::get(path)
            .header(COOKIE, cookies.join("; "))
            .header(ACCEPT_ENCODING, "gzip")
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        to_bytes(response.into_body(), 1 << 24).await.unwrap().len()
    }

    /// As a program tells, with a token and JSON.
    pub(crate) async fn tell(&self, path: &str, token: &str, json: &str) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(json.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// As a program asks, with a token.
    pub(crate) async fn ask(&self, path: &str, token: &str) -> (StatusCode, String) {
        let request = Request::get(path)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(COOKIE, cookies.join("; "))
            .body(body)
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(
                text.contains("HttpOnly")
                    && text.contains("Secure")
                    && text.contains("SameSite=Strict"),
                "{text}"
            );
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let header = |name| {
            response
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        Page {
            status: response.status(),
            location: header(LOCATION),
            policy: header(CONTENT_SECURITY_POLICY),
            kind: header(CONTENT_TYPE),
            body: String::from_utf8(
                to_bytes(response.into_body(), 1 << 24)
                    .await
                    .unwrap()
                    .to_vec(),
            )
            .unwrap(),
        }
    }
}

pub(crate) fn form_token(body: &str) -> String {
    let (_, rest) = body.split_once("name=\"form_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}
