//! Questions on the terminal.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::bail;

use super::exit::Exit;

/// Asks for a yes; without a terminal `--yes` must be given.
pub fn confirm(what: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Exit::Usage.because(format!("{what}: say --yes")));
    }
    match answer(&format!("{what}? [y/N] "))?.as_str() {
        "y" | "Y" | "yes" | "是" => Ok(()),
        _ => bail!("not done"),
    }
}

/// Asks for a value; an empty answer is the default.
pub fn value(what: &str, default: &str) -> anyhow::Result<String> {
    let answer = answer(&format!("{what} [{default}]: "))?;
    Ok(if answer.is_empty() { default.to_owned() } else { answer })
}

fn answer(question: &str) -> anyhow::Result<String> {
    let mut err = std::io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
