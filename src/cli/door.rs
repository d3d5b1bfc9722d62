//! How a command finds the running daemon: its socket, or its page with a token.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::Context;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::exit::{Exit, Marks};
use super::{CONFIG, env};
use crate::config;
use crate::model::Span;
use crate::net::{self, Options, Proxy};

/// For an answer of the daemon.
const ANSWER_TIMEOUT: Span = Span::seconds(10);
/// The largest answer: thousands of machines.
const ANSWER_MAX: usize = 64 << 20;
/// Where the page is unless told otherwise.
const PAGE: &str = "http://127.0.0.1:8420";

/// Where the daemon is.
#[derive(Debug, clap::Args)]
pub struct DoorArgs {
    /// Find the daemon by its config, as `run` is given it; unless said by the one in /etc/farmscale,
    /// if there is one.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// The page of the daemon, instead of a config.
    #[arg(long, env = "FARMSCALE_URL")]
    url: Option<String>,
    /// The socket of the daemon, instead of a config.
    #[arg(long, env = "FARMSCALE_SOCKET")]
    socket: Option<PathBuf>,
    /// The page's token, in a file (or in `FARMSCALE_PAGE_TOKEN`).
    #[arg(long)]
    token_file: Option<PathBuf>,
}

/// A way to the daemon.
struct Door {
    /// Goes before the page: whoever can open it may give orders.
    socket: Option<PathBuf>,
    url: String,
    token: Option<SecretString>,
}

impl DoorArgs {
    /// Asks the daemon, or with a body gives it an order.
    pub(super) fn call(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let door = self.door()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(door.request(path, body))
    }

    fn door(&self) -> anyhow::Result<Door> {
        let token = self.token()?;
        if let Some(socket) = &self.socket {
            let url = "http://localhost".to_owned();
            return Ok(Door { socket: Some(socket.clone()), url, token });
        }
        match (&self.config, &self.url) {
            (Some(config), _) => by_config(config, token),
            (None, Some(url)) => Ok(Door { socket: None, url: url.clone(), token }),
            (None, None) => {
                let page = || Door { socket: None, url: PAGE.to_owned(), token: token.clone() };
                let there = Path::new(CONFIG).exists();
                // One that this user may not read is of no help, and no fault of his either.
                let found = there.then(|| by_config(Path::new(CONFIG), token.clone()).ok());
                Ok(found.flatten().unwrap_or_else(page))
            }
        }
    }

    fn token(&self) -> anyhow::Result<Option<SecretString>> {
        let Some(file) = &self.token_file else {
            return Ok(env::variable("FARMSCALE_PAGE_TOKEN").map(Into::into));
        };
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the token cannot be read from {}", file.display()))?;
        Ok(Some(text.trim().into()))
    }
}

fn by_config(path: &Path, token: Option<SecretString>) -> anyhow::Result<Door> {
    let page = config::load_page(path, &env::variables())?;
    let mut listen = page.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let opens = |socket: &PathBuf| UnixStream::connect(socket).is_ok();
    let socket = page.socket.filter(opens);
    Ok(Door { socket, url: format!("http://{listen}"), token: token.or(page.token) })
}

impl Door {
    async fn request(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let place = match &self.socket {
            Some(socket) => socket.display().to_string(),
            None => self.url.clone(),
        };
        // A proxy would be handed the page's token, and cannot reach this machine's own page.
        let client = net::client(Options {
            proxy: Proxy::Never,
            socket: self.socket.clone(),
            ..Options::within(ANSWER_TIMEOUT)
        })?;
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = match body {
            None => client.get(&url),
            Some(body) => client.post(&url).header("X-Farmscale", "1").json(&body),
        };
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let unheard = || {
            format!(
                "no daemon answers at {place}: is it running? (--config or --url finds another)"
            )
        };
        let answer = net::send(request, ANSWER_MAX).await;
        let answer = answer.with_context(unheard).exit(Exit::Unavailable)?;
        let (status, text) = (answer.status, String::from_utf8_lossy(&answer.body));
        if !status.is_success() {
            let said: Option<Value> = serde_json::from_str(&text).ok();
            let why = said.as_ref().and_then(|said| said.get("error")?.as_str());
            let why = why.unwrap_or(text.trim());
            let what = format!("the daemon at {place} refuses ({status}): {why}");
            return Err(refused(status).because(what));
        }
        serde_json::from_str(&text)
            .with_context(|| format!("{place} does not answer as farmscale does"))
    }
}

/// What kind of refusal a status is.
fn refused(status: StatusCode) -> Exit {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NotAllowed,
        StatusCode::NOT_FOUND => Exit::NotThere,
        StatusCode::SERVICE_UNAVAILABLE => Exit::TryAgain,
        _ => Exit::Unavailable,
    }
}
