//! Runs the program under test and looks at what it says.
#![allow(dead_code, unreachable_pub)]

use std::process::{Command, Output, Stdio};

/// What a run said.
pub struct Said {
    /// Exit status, if it ended by itself.
    pub status: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Runs `lapwing` to its end.
pub fn lapwing(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lapwing"));
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        status: status.code(),
        output: String::from_utf8(stdout).unwrap(),
        errors: String::from_utf8(stderr).unwrap(),
    }
}

impl Said {
    /// Its output, when it succeeded.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.status, Some(0), "{}", self.errors);
        self.output
    }

    /// The one line of a failure.
    #[track_caller]
    pub fn failed_with_one_line(self) -> String {
        assert_eq!(self.status, Some(1), "{}{}", self.output, self.errors);
        assert_eq!(self.errors.lines().count(), 1, "{}", self.errors);
        assert!(self.errors.starts_with("lapwing: "), "{}", self.errors);
        self.errors
    }
}
