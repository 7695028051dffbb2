//! A real S3 server (SeaweedFS) in a folder of its own, on ports that were free, with keys made for the run.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Its parts find each other and a leader before it answers.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// Where it listens and who may ask: handed to the processes of a test by their environment, as centres get it.
#[derive(Clone)]
pub(crate) struct S3Address {
    ports: Vec<u16>,
    access: String,
    secret: String,
}

/// The server, running or killed.
pub(crate) struct S3Server {
    program: PathBuf,
    folder: PathBuf,
    address: S3Address,
    child: Option<Child>,
}

impl S3Address {
    /// Ports that nobody listens on at this moment, and new keys.
    pub(crate) fn new() -> Self {
        let listeners: Vec<TcpListener> = (0..8)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        Self {
            ports: listeners.iter().map(port).collect(),
            access: hex::encode(rand::random::<[u8; 10]>()),
            secret: hex::encode(rand::random::<[u8; 20]>()),
        }
    }

    /// The same in a process that has it in its environment.
    pub(crate) fn from_environment(ports: &str) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap();
        Self {
            ports: ports.split(' ').map(|port| port.parse().unwrap()).collect(),
            access: variable("AWS_ACCESS_KEY_ID"),
            secret: variable("AWS_SECRET_ACCESS_KEY"),
        }
    }

    /// The ports of all its parts, for [`Self::from_environment`].
    pub(crate) fn ports_text(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        ports.join(" ")
    }

    /// The variables that name the server to whoever speaks S3.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.s3())),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.access.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret.clone()),
        ]
    }

    fn s3(&self) -> u16 {
        self.ports[0]
    }
}

impl S3Server {
    /// Starts the server with an empty folder. `python` is that of the environment it is installed in.
    pub(crate) fn start(python: &Path, folder: &Path, address: S3Address) -> Self {
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let identities = serde_json::json!({ "identities": [{
            "name": "centre",
            "credentials": [{ "accessKey": address.access, "secretKey": address.secret }],
            "actions": ["Admin", "Read", "Write", "List"],
        }]});
        std::fs::write(folder.join("keys.json"), identities.to_string()).unwrap();
        let mut server = Self {
            program: python.with_file_name("weed"),
            folder: folder.to_owned(),
            address,
            child: None,
        };
        server.again();
        server
    }

    /// Makes a bucket, as its owner does before a centre uses it.
    pub(crate) fn make_bucket(&self, name: &str) {
        use std::io::Write as _;
        let [_, _, master, grpc, ..] = self.address.ports[..] else {
            panic!("a port is missing");
        };
        let mut shell = Command::new(&self.program)
            .args(["shell", &format!("-master=127.0.0.1:{master}.{grpc}")])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let order = format!("s3.bucket.create -name {name}\n");
        let mut input = shell.stdin.take().unwrap();
        input.write_all(order.as_bytes()).unwrap();
        drop(input);
        assert!(shell.wait().unwrap().success());
    }

    /// Starts it once more, with what it had on its disk.
    pub(crate) fn again(&mut self) {
        let ports = &self.address.ports;
        let mut command = Command::new(&self.program);
        command
            .arg("server")
            .arg(format!("-dir={}", self.folder.join("data").display()))
            .arg(format!(
                "-s3.config={}",
                self.folder.join("keys.json").display()
            ))
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"])
            .args([
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-master.telemetry=false",
            ])
            .args([
                "-volume.max=20",
                "-master.volumeSizeLimitMB=64",
                "-volume.minFreeSpacePercent=0",
            ]);
        for (name, port) in [
            "s3.port",
            "s3.port.grpc",
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
        ]
        .into_iter()
        .zip(ports)
        {
            command.arg(format!("-{name}={port}"));
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let child = command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + STARTS_WITHIN;
        while !self.answers() {
            assert!(Instant::now() < end, "{}", self.log());
            std::thread::yield_now();
        }
    }

    /// Kills it as a power cut of the process would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Says whether it takes and gives an object: it listens some time before it can.
    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<String> {
            use std::io::{Read as _, Write as _};
            let mut stream = TcpStream::connect(("127.0.0.1", self.address.s3()))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(
                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill();
    }
}
