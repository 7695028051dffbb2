//! Metrics on loopback, served by `lapwing run` itself: neither the process that sees packets nor the one that has the
//! link needs a listening socket for it.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::Context;
use lapwing_sensor::{settings::Settings, status::open_metrics};

use super::status::overview;

/// How long one who asks may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a request that are looked at.
const REQUEST_BYTES: usize = 4_096;

/// Serves metrics in a thread for as long as this process lives, if the settings say where.
pub(super) fn serve(settings: Settings) -> anyhow::Result<()> {
    let Some(address) = settings.uplink.metrics else {
        return Ok(());
    };
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot serve metrics on {address}: change uplink.metrics"))?;
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            // One at a time: who asks is a monitoring program on this machine.
            for stream in listener.incoming() {
                if let Err(error) = stream.and_then(|stream| answer(stream, &settings)) {
                    tracing::debug!(%error, "metrics were not told");
                }
            }
        })
        .context("cannot start a thread for metrics")?;
    Ok(())
}

fn answer(mut stream: TcpStream, settings: &Settings) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 512];
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") && request.len() < REQUEST_BYTES {
        match stream.read(&mut part)? {
            0 => break,
            read => request.extend_from_slice(part.get(..read).unwrap_or_default()),
        }
    }
    let (status, body) = if !request.starts_with(b"GET /metrics ") {
        ("404 Not Found", "ask for /metrics\n".to_owned())
    } else {
        match overview(&settings.state, Some(settings)) {
            Ok(overview) => ("200 OK", open_metrics(&overview)),
            Err(error) => ("500 Internal Server Error", format!("{error:#}\n")),
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
