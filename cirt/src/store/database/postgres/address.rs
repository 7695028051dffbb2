//! Which server, from what stands in the settings: `postgresql://USER@HOST:PORT/DATABASE`.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long an answer to a greeting is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long sent bytes may go without a receipt before a connection counts as broken.
const BROKEN_AFTER: Duration = Duration::from_secs(30);

/// A PostgreSQL server and a database on it.
#[derive(Clone)]
pub struct Server {
    pub(super) known: Box<Known>,
}

/// What is known of a server; it is large, and lies in errors too.
#[derive(Clone)]
pub(super) struct Known {
    /// As it was written.
    url: String,
    pub(super) config: Config,
    /// Certificates, PEM, of who vouches for the server; none: the authorities that browsers trust.
    pub(super) authority: Option<PathBuf>,
}

impl Server {
    /// The same, vouched for by the certificates of a file.
    #[must_use]
    pub fn vouched_for_by(mut self, authority: Option<PathBuf>) -> Self {
        self.known.authority = authority;
        self
    }

    /// As it was written, password and all.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.known.url
    }

    /// Who vouches for it, when the settings say.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.known.authority.as_deref()
    }

    /// Whether the way there leaves this machine: then it goes through TLS, and the server must show who it is.
    fn is_elsewhere(&self) -> bool {
        let hosts = self.known.config.get_hosts();
        let by_address = self.known.config.get_hostaddrs();
        let is_here = |address: &IpAddr| address.is_loopback();
        hosts.iter().any(|host| match host {
            Host::Unix(_) => false,
            Host::Tcp(name) => {
                name != "localhost" && !name.parse().is_ok_and(|address| is_here(&address))
            }
        }) || by_address.iter().any(|address| !is_here(address))
    }
}

impl FromStr for Server {
    type Err = String;

    /// # Errors
    /// One line on what is wrong with it; a password is not repeated.
    fn from_str(url: &str) -> Result<Self, String> {
        const FORM: &str = "say postgresql://USER@HOST:PORT/DATABASE, or postgresql://USER@/DATABASE?host=/run/postgresql";
        if !url.starts_with("postgresql://") {
            return Err(FORM.to_owned());
        }
        let mut config: Config = url.parse().map_err(|error| format!("{error}; {FORM}"))?;
        if config.get_dbname().is_none() || config.get_user().is_none() {
            return Err(format!("a user and a database are needed; {FORM}"));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(format!("a host is needed; {FORM}"));
        }
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        config
            .application_name("lapwing-cirt")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(BROKEN_AFTER)
            .tcp_user_timeout(BROKEN_AFTER);
        let mut server = Self {
            known: Box::new(Known {
                url: url.to_owned(),
                config,
                authority: None,
            }),
        };
        // Whatever the address says: nothing but TLS leaves the machine, and beside it there is nothing to hide from.
        let mode = if server.is_elsewhere() {
            SslMode::Require
        } else {
            SslMode::Disable
        };
        server.known.config.ssl_mode(mode);
        Ok(server)
    }
}

/// Where it is, without the password.
impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.known.config;
        write!(
            formatter,
            "postgresql://{}@",
            config.get_user().unwrap_or_default()
        )?;
        for (index, host) in config.get_hosts().iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            match host {
                Host::Tcp(name) => formatter.write_str(name)?,
                Host::Unix(folder) => folder.display().fmt(formatter)?,
            }
        }
        write!(formatter, "/{}", config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_on_the_machine_goes_without_tls() {
        for (url, mode) in [
            (
                "postgresql://cirt@/cirt?host=/run/postgresql",
                SslMode::Disable,
            ),
            ("postgresql://cirt@127.0.0.1:5432/cirt", SslMode::Disable),
            ("postgresql://cirt@[::1]/cirt", SslMode::Disable),
            ("postgresql://cirt@localhost/cirt", SslMode::Disable),
            ("postgresql://cirt@db.example/cirt", SslMode::Require),
            (
                "postgresql://cirt@192.0.2.1/cirt?sslmode=disable",
                SslMode::Require,
            ),
            (
                "postgresql://cirt@localhost,db.example/cirt",
                SslMode::Require,
            ),
        ] {
            let server: Server = url.parse().unwrap();
            assert_eq!(server.known.config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn what_is_missing_is_said_and_a_password_is_not() {
        for url in [
            "mysql://a@b/c",
            "postgresql://",
            "postgresql://a@b",
            "postgresql://host/db",
            "postgresql:///db?user=a",
        ] {
            let message = url.parse::<Server>().unwrap_err();
            assert!(message.contains("say postgresql://"), "{url}: {message}");
        }
        let server: Server = "postgresql://cirt:secret@db.example/cirt".parse().unwrap();
        let shown = format!("{server} {server:?}");
        assert!(
            shown.contains("db.example") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
