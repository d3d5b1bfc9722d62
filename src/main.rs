//! Arguments to command; everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use farmscale::cli::{Cli, out};

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::error(&error);
            ExitCode::FAILURE
        }
    }
}
