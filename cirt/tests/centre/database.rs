//! The database of a test: a file, or a database of its own on the server that `LAPWING_TEST_POSTGRESQL` names.

use std::fs::Permissions;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use lapwing_cirt::store::Server;

/// Which server tests run against, when they do (`tools/postgresql with …`).
const VARIABLE: &str = "LAPWING_TEST_POSTGRESQL";

/// One database on a server, gone with the test.
pub(crate) struct Database {
    administrator: String,
    pub(crate) url: String,
    name: String,
}

impl Database {
    /// A new one on the server of the environment; none where tests use files.
    pub(crate) fn of_environment() -> Option<Self> {
        std::env::var(VARIABLE).ok().map(|url| Self::on(&url))
    }

    /// A new one on a server, which is named by the address of any database on it.
    pub(crate) fn on(administrator: &str) -> Self {
        let name = format!("test_{:016x}", rand::random::<u64>());
        run(administrator, &format!("CREATE DATABASE {name}"));
        Self {
            url: administrator.replacen("/postgres", &format!("/{name}"), 1),
            administrator: administrator.to_owned(),
            name,
        }
    }

    pub(crate) fn server(&self) -> Server {
        self.url.parse().unwrap()
    }

    /// Empties it: it is as new.
    pub(crate) fn clear(&self) {
        run(
            &self.administrator,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
        run(
            &self.administrator,
            &format!("CREATE DATABASE {}", self.name),
        );
    }

    /// Runs SQL behind the program's back.
    pub(crate) fn try_sql(&self, sql: &str) -> Result<(), String> {
        try_run(&self.url, &format!("SET search_path = lapwing; {sql}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that the test killed keeps nothing either.
        try_run(
            &self.administrator,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        )
        .ok();
    }
}

fn run(url: &str, sql: &str) {
    try_run(url, sql).unwrap();
}

/// On a thread of its own, for a test may be in the middle of something asynchronous.
fn try_run(url: &str, sql: &str) -> Result<(), String> {
    std::thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
                    .await
                    .map_err(|error| error.to_string())?;
                tokio::spawn(connection);
                client.batch_execute(sql).await.map_err(|error| {
                    let refusal = error.as_db_error().map(|refusal| refusal.message());
                    refusal.map_or_else(|| error.to_string(), str::to_owned)
                })
            })
        };
        scope.spawn(work).join().unwrap()
    })
}

/// A server of one test, which may kill it.
pub(crate) struct OwnServer {
    folder: tempfile::TempDir,
    address: String,
}

impl OwnServer {
    /// Starts one; none, and a word about it, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        // Whoever the server runs as goes through it.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let address = tool("start", folder.path())?;
        Some(Self { folder, address })
    }

    /// The address of one database on it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it as a power cut would, but for what the system still writes, and starts it again.
    pub(crate) fn kill_and_start(&self) {
        let server = self.folder.path().join("server");
        let text = std::fs::read_to_string(server.join("data/postmaster.pid")).unwrap();
        let process = text.lines().next().unwrap();
        let killed = Command::new("kill").args(["-9", process]).status().unwrap();
        assert!(killed.success());
        assert!(tool("start", self.folder.path()).is_some());
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        tool("stop", self.folder.path());
    }
}

/// Runs `tools/postgresql`; none where there is no PostgreSQL.
fn tool(what: &str, folder: &Path) -> Option<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/postgresql");
    let output = Command::new(program)
        .arg(what)
        .arg(folder.join("server"))
        .output()
        .unwrap();
    if output.status.code() == Some(77) {
        eprintln!("skipped: PostgreSQL is not installed (tools/setup)");
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

impl OwnServer {
    /// Lets it listen at an address of the machine, with this certificate and key, PEM; says at which port.
    pub(crate) fn listen_at(&self, address: IpAddr, certificate: &str, key: &str) -> u16 {
        let data = self.folder.path().join("server/data");
        let port = std::net::TcpListener::bind((address, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let owner = std::fs::metadata(&data).unwrap();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let append = |name: &str, lines: &str| {
            let mut file = std::fs::File::options()
                .append(true)
                .open(data.join(name))
                .unwrap();
            file.write_all(lines.as_bytes()).unwrap();
        };
        append(
            "postgresql.conf",
            &format!("listen_addresses = '{address}'\nport = {port}\nssl = on\n"),
        );
        append(
            "pg_hba.conf",
            "host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n",
        );
        tool("stop", self.folder.path());
        tool("start", self.folder.path()).unwrap();
        port
    }
}
