//! Settings: a TOML file, drop-ins and the environment over it, secrets from where they are safe; all
//! faults at once, each with its file, line, key and remedy.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::defaults::{LOG_JSON, PAGE_LISTEN, SOCKET, STORE};
use crate::model::{Namer, Text};
use crate::policy::Policy;
use crate::queue::{self, Queue};
use crate::world::purchase::CloudSettings;

mod cloud;
pub mod gpus;
mod layers;
mod lines;
mod pools;
mod secrets;
mod shared;
mod spending;
mod spot;
mod timing;
mod values;

use crate::reader::{self, Book, Reader};
pub use crate::reader::{Fault, Place, parse_span};
use layers::Layered;
pub use values::{Difference, Values};

/// Everything the daemon needs to know.
#[derive(Debug)]
pub struct Settings {
    /// What steers decisions.
    pub policy: Policy,
    /// The cloud and how machines are bought.
    pub cloud: CloudSettings,
    /// Sources of work by name, ready to be asked.
    pub queues: BTreeMap<Text, Queue>,
    /// Where the store lives.
    pub store: PathBuf,
    /// Page and HTTP API.
    pub page: PageSettings,
    /// The log.
    pub log: LogSettings,
    /// What works but should be looked at.
    pub warnings: Vec<String>,
    /// Every setting that was given, for comparing.
    pub values: Values,
}

/// Page and HTTP API.
#[derive(Debug)]
pub struct PageSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names it may be called by, besides this machine's own.
    pub hosts: Vec<String>,
    /// Asked of every caller, where set.
    pub token: Option<SecretString>,
    /// Whoever can open this socket may give orders without the token; `None` = no socket.
    pub socket: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// As JSON lines.
    pub json: bool,
    /// What is written: this and what is graver.
    pub level: tracing::Level,
}

/// A file that cannot be used, with every reason.
#[derive(Debug)]
pub struct Faults {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let faults = match self.faults.len() {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        };
        write!(f, "{path}: {faults}")?;
        for Fault { place, key, what } in &self.faults {
            match place {
                Place::Nowhere => write!(f, "\n  {path}: {key} {what}")?,
                Place::Line { file, line: 0 } => write!(f, "\n  {file}: {key} {what}")?,
                Place::Line { file, line } => write!(f, "\n  {file}:{line}: {key} {what}")?,
                Place::Variable(name) => write!(f, "\n  {name}: {key} {what}")?,
            }
        }
        Ok(())
    }
}

/// Loads `path` with its drop-ins, and with `FARMSCALE__A__B=…` of `environment` over them as `a.b`.
pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Settings, Faults> {
    let all = |faults| Faults { path: path.to_owned(), faults };
    let layered = layers::read(path, environment).map_err(all)?;
    let (settings, faults, _) = parse(layered, environment);
    if faults.is_empty() { Ok(settings) } else { Err(all(faults)) }
}

/// Loads what tells where the page is; faults elsewhere do not matter.
pub fn load_page(
    path: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<PageSettings, Faults> {
    let all = |faults| Faults { path: path.to_owned(), faults };
    let layered = layers::read(path, environment).map_err(all)?;
    let (settings, mut faults, _) = parse(layered, environment);
    // Who asks over the socket needs no token, and may not be one who may read it.
    faults.retain(|fault| fault.key.starts_with("page.") && fault.key != "page.token_file");
    if faults.is_empty() { Ok(settings.page) } else { Err(all(faults)) }
}

/// Every key the code asks for when it reads `text`, with its default as it would be written.
pub fn asked(text: &str) -> BTreeMap<String, String> {
    match layers::of_text(text) {
        Ok(layered) => parse(layered, &BTreeMap::new()).2,
        Err(fault) => [(fault.key, fault.what)].into(),
    }
}

/// Settings, faults, and the keys that were asked for.
fn parse(
    layered: Layered,
    environment: &BTreeMap<String, String>,
) -> (Settings, Vec<Fault>, BTreeMap<String, String>) {
    let Layered { tree, places, open_files } = layered;
    let values = Values::of_tree(&tree);
    let book = Book::new(places, open_files);
    let mut settings = settings(Reader::root(&book, tree), environment);
    settings.values = values;
    settings.warnings.extend(book.warnings());
    let asked = book.asked();
    (settings, book.into_faults(), asked)
}

fn settings(mut root: Reader<'_>, environment: &BTreeMap<String, String>) -> Settings {
    let mut warnings = Vec::new();
    let farm = farm(&mut root);
    let queues = queue::open_all(&mut root);
    let cloud_base = cloud::read(&mut root, environment, &mut warnings);
    let (limits, spending, shared) = pools::limits(&mut root, &queues);
    let (pools, purchases) = pools::read(&mut root, &queues, &mut warnings);
    shared::check(&root, &shared, &pools);
    if limits.max < pools.iter().map(|pool| pool.min).sum() {
        root.fault("limits", "max is less than the pools' min together");
    }
    let timing = timing::read(&mut root);
    let store = PathBuf::from(root_store(&mut root));
    let page = page(&mut root, &store, environment, &mut warnings);
    let log = log(&mut root);
    root.end();
    let (credentials, endpoints) = cloud_base;
    Settings {
        policy: Policy { namer: Namer::new(&farm), pools, limits, spending, shared, timing },
        cloud: CloudSettings { credentials, endpoints, purchases },
        queues: queues.into_iter().filter_map(|(name, queue)| Some((name, queue?))).collect(),
        store,
        page,
        log,
        warnings,
        values: Values::default(),
    }
}

/// The farm's name: its machines' names begin with it.
fn farm(root: &mut Reader<'_>) -> String {
    let farm = root.required_text("farm", "name the farm with 1 to 6 of a-z and 0-9");
    if !farm.is_empty() && !is_tag(&farm, crate::model::name::FARM_MAX) {
        root.fault("farm", format!("is \"{farm}\": must be 1 to 6 of a-z and 0-9"));
    }
    farm
}

/// Whether `text` can be part of a machine's name.
fn is_tag(text: &str, max: usize) -> bool {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    (1..=max).contains(&text.len()) && text.chars().all(fits)
}

fn root_store(root: &mut Reader<'_>) -> String {
    let mut store = root.table("store");
    let dir = store.text("dir", STORE);
    store.end();
    dir
}

fn log(root: &mut Reader<'_>) -> LogSettings {
    let levels = [
        ("info", tracing::Level::INFO),
        ("error", tracing::Level::ERROR),
        ("warn", tracing::Level::WARN),
        ("debug", tracing::Level::DEBUG),
        ("trace", tracing::Level::TRACE),
    ];
    let mut log = root.table("log");
    let json = log.flag("json", LOG_JSON);
    let level = log.choice("level", &levels, 0).unwrap_or(tracing::Level::INFO);
    log.end();
    LogSettings { json, level }
}

fn page(
    root: &mut Reader<'_>,
    store: &Path,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> PageSettings {
    let mut page = root.table("page");
    let listen = page.text("listen", PAGE_LISTEN);
    let listen = listen.parse().unwrap_or_else(|_| {
        let what = format!("is \"{listen}\": must be an address such as {PAGE_LISTEN}");
        page.fault("listen", what);
        SocketAddr::from(([127, 0, 0, 1], 8420))
    });
    let hosts = hosts(&mut page);
    let token = secrets::token(&mut page, environment, warnings);
    if !listen.ip().is_loopback() && token.is_none() {
        let remedy = "set token_file, or listen on 127.0.0.1 behind a proxy that asks who it is";
        page.fault("listen", format!("is open to the network without a token: {remedy}"));
    }
    let socket = socket(&mut page, store);
    page.end();
    PageSettings { listen, hosts, token, socket }
}

/// Where orders come in: beside the store, which its user alone may enter, unless it is the system's
/// daemon, whose group may give orders.
fn socket(page: &mut Reader<'_>, store: &Path) -> Option<PathBuf> {
    match page.text_or_none("socket") {
        Some(socket) if socket == "none" => None,
        Some(socket) => Some(PathBuf::from(socket)),
        None if store == Path::new(STORE) => Some(PathBuf::from(SOCKET)),
        None => Some(store.join("farmscale.sock")),
    }
}

/// Names as browsers send them in `Host`: what could never match is a fault.
fn hosts(page: &mut Reader<'_>) -> Vec<String> {
    let hosts = page.texts("hosts");
    for host in &hosts {
        if let Some(why) = no_host(host) {
            page.fault("hosts", format!("has \"{host}\": {why}"));
        }
    }
    hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect()
}

fn no_host(host: &str) -> Option<&'static str> {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|one| one.is_ascii_digit());
    let fits = |one: char| one.is_ascii_alphanumeric() || "-._[]:".contains(one);
    if host.contains("://") || host.contains('/') {
        Some("must be a name alone, such as farm.studio.lan, without http:// and path")
    } else if host.matches(':').count() == 1 && port.is_some_and(is_port) {
        Some("must be a name alone, without a port: any port of it is taken")
    } else if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        Some("an IPv6 address stands in brackets here: [fd00::1]")
    } else if host.is_empty() || !host.chars().all(fits) {
        Some("must be a name as browsers send it: letters, digits, dots (xn--… for others); no *")
    } else {
        None
    }
}
