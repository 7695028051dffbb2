//! A client for peers' servers: HTTPS only, certificates checked, every answer bounded in size and time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::store::Source;

/// How long one request may take in all.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const HTTPS_PORT: u16 = 443;

/// Why a request failed, in one line.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    #[error("{0}: say an address that begins with https://")]
    Address(String),
    #[error("the certificates of the authority are not usable")]
    Authority,
    #[error("our certificate or its key is not usable")]
    Identity,
    #[error("cannot reach {0}")]
    Connect(String, #[source] std::io::Error),
    #[error("{0} broke the connection off")]
    Protocol(String, #[source] hyper::Error),
    #[error("{0} took too long")]
    Timeout(String),
    #[error("the answer of {0} is longer than {1} bytes, or breaks off")]
    Body(String, usize),
    #[error("{0} answered {1}")]
    Status(String, u16),
    #[error("a header cannot be sent")]
    Header,
    #[error("{0} is this machine itself, or an address that alarms never go to")]
    Forbidden(String),
}

/// TLS towards others: the roots that browsers trust, or only those of a PEM text; with a certificate of ours and its key, where given.
///
/// # Errors
/// When the PEM text holds no certificate, or ours cannot be used.
pub fn tls_client(
    authority: Option<&str>,
    identity: Option<(&str, &str)>,
) -> Result<ClientConfig, HttpsError> {
    let mut roots = RootCertStore::empty();
    match authority {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| HttpsError::Authority)?;
                roots.add(certificate).map_err(|_| HttpsError::Authority)?;
            }
            if roots.is_empty() {
                return Err(HttpsError::Authority);
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| HttpsError::Authority)?;
    let config = config.with_root_certificates(roots);
    let Some((certificate, key)) = identity else {
        return Ok(config.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| HttpsError::Identity)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| HttpsError::Identity)?;
    config
        .with_client_auth_cert(chain, key)
        .map_err(|_| HttpsError::Identity)
}

/// A client for one server.
pub struct Client {
    tls: TlsConnector,
    authorization: Option<HeaderValue>,
    accept: HeaderValue,
    /// Further ones of every request.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Which addresses may be connected to; any without it.
    allowed: Option<Box<dyn Fn(IpAddr) -> bool + Send + Sync>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    /// A client that logs in with a name and a password, if given.
    ///
    /// # Errors
    /// When the authority's certificates or the login cannot be used.
    pub fn new(
        authority: Option<&str>,
        login: Option<(&str, &str)>,
        accept: &'static str,
    ) -> Result<Self, HttpsError> {
        let authorization = login
            .map(|(name, password)| {
                let text = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
                let mut value = HeaderValue::from_str(&text).map_err(|_| HttpsError::Header)?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        Ok(Self {
            tls: TlsConnector::from(Arc::new(tls_client(authority, None)?)),
            authorization,
            accept: HeaderValue::from_static(accept),
            headers: Vec::new(),
            allowed: None,
        })
    }

    /// Sends these along with every request.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers = headers;
        self
    }

    /// Connects only to addresses that pass: what the name stands for is looked at, and that is what is connected to.
    #[must_use]
    pub fn only_to(mut self, allowed: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.allowed = Some(Box::new(allowed));
        self
    }

    /// A client for a server of a peer.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn of(source: &Source, accept: &'static str) -> Result<Self, HttpsError> {
        let login = source.login.as_ref();
        let login = login.map(|(name, password)| (name.as_str(), password.as_str()));
        Self::new(source.authority.as_deref(), login, accept)
    }

    /// Asks for something of at most `limit` bytes.
    ///
    /// # Errors
    /// When it fails, takes too long, is too long, or the server says no. Redirects are not followed.
    pub async fn get(&self, address: &str, limit: usize) -> Result<Answer, HttpsError> {
        self.request(Method::GET, address, None, limit).await
    }

    /// Hands something in.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(
        &self,
        address: &str,
        kind: &'static str,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<Answer, HttpsError> {
        self.request(Method::POST, address, Some((kind, body)), limit)
            .await
    }

    async fn request(
        &self,
        method: Method,
        address: &str,
        body: Option<(&'static str, Vec<u8>)>,
        limit: usize,
    ) -> Result<Answer, HttpsError> {
        let uri: Uri = address
            .parse()
            .map_err(|_| HttpsError::Address(address.to_owned()))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https"));
        let host = host
            .ok_or_else(|| HttpsError::Address(address.to_owned()))?
            .to_owned();
        let exchange = self.exchange(method, &uri, &host, body, limit);
        timeout(REQUEST_TIMEOUT, exchange)
            .await
            .unwrap_or(Err(HttpsError::Timeout(host.clone())))
    }

    async fn exchange(
        &self,
        method: Method,
        uri: &Uri,
        host: &str,
        body: Option<(&'static str, Vec<u8>)>,
        limit: usize,
    ) -> Result<Answer, HttpsError> {
        let name = host.trim_matches(['[', ']']);
        let broken = |error| HttpsError::Connect(host.to_owned(), error);
        let port = uri.port_u16().unwrap_or(HTTPS_PORT);
        let mut addresses: Vec<SocketAddr> = timeout(CONNECT_TIMEOUT, lookup_host((name, port)))
            .await
            .map_err(|_| HttpsError::Timeout(host.to_owned()))?
            .map_err(broken)?
            .collect();
        if let Some(allowed) = &self.allowed {
            addresses.retain(|address| allowed(address.ip()));
            if addresses.is_empty() {
                return Err(HttpsError::Forbidden(host.to_owned()));
            }
        }
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(addresses.as_slice()))
            .await
            .map_err(|_| HttpsError::Timeout(host.to_owned()))?
            .map_err(broken)?;
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| HttpsError::Address(uri.to_string()))?;
        let stream = self.tls.connect(server, stream).await.map_err(broken)?;
        let failed = |error| HttpsError::Protocol(host.to_owned(), error);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let driving = tokio::spawn(connection);
        let request = self.assemble(method, uri, host, body)?;
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            driving.abort();
            return Err(HttpsError::Status(host.to_owned(), status.as_u16()));
        }
        let headers = response.headers().clone();
        let body = Limited::new(response.into_body(), limit)
            .collect()
            .await
            .map_err(|_| HttpsError::Body(host.to_owned(), limit))?
            .to_bytes();
        driving.abort();
        Ok(Answer { headers, body })
    }

    fn assemble(
        &self,
        method: Method,
        uri: &Uri,
        host: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Request<Full<Bytes>>, HttpsError> {
        let path = uri
            .path_and_query()
            .map_or("/", axum::http::uri::PathAndQuery::as_str);
        let named = uri
            .port_u16()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, named)
            .header(
                USER_AGENT,
                concat!("lapwing-cirt/", env!("CARGO_PKG_VERSION")),
            )
            .header(ACCEPT, self.accept.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value.clone());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let bytes = match body {
            Some((kind, bytes)) => {
                request = request.header(CONTENT_TYPE, kind);
                bytes
            }
            None => Vec::new(),
        };
        request
            .body(Full::new(bytes.into()))
            .map_err(|_| HttpsError::Header)
    }
}
