//! Arguments to command; everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use farmscale::cli::exit::{self, Exit};
use farmscale::cli::{Cli, out};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Nobody is left to tell if it cannot be printed.
            told.print().ok();
            let asked_for = !told.use_stderr();
            return if asked_for { ExitCode::SUCCESS } else { Exit::Usage.code().into() };
        }
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::error(&error);
            exit::code(&error)
        }
    }
}
