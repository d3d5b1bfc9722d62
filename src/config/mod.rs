//! Settings: a TOML file, the environment over it, secrets from where they are safe; all faults at
//! once, each with its line, key and remedy.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::Value;

use crate::model::{Namer, Text};
use crate::policy::Policy;
use crate::queue::{self, Queue};
use crate::world::purchase::CloudSettings;

mod cloud;
pub mod gpus;
mod lines;
mod pools;
mod secrets;
mod shared;
mod spending;
mod spot;
mod timing;
mod values;

use crate::reader::{self, Book, Reader};
pub use crate::reader::{Fault, parse_span};
pub use values::{Difference, Values};

/// `FARMSCALE__A__B` is the setting `a.b`.
const PREFIX: &str = "FARMSCALE__";

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
    /// The log as JSON lines.
    pub log_json: bool,
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
        for fault in &self.faults {
            let line = if fault.line == 0 { String::new() } else { format!(":{}", fault.line) };
            write!(f, "\n  {path}{line}: {} {}", fault.key, fault.what)?;
        }
        Ok(())
    }
}

/// Loads `path`, with `FARMSCALE__A__B=…` of `environment` over it as `a.b`.
pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Settings, Faults> {
    let unreadable = |fault| Faults { path: path.to_owned(), faults: vec![fault] };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot be read: {error}");
        unreadable(Fault { line: 0, key: "the file".to_owned(), what })
    })?;
    let others_read = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 4 != 0);
    let (settings, faults) =
        parse(&text, environment, others_read, &mut BTreeMap::new()).map_err(unreadable)?;
    if faults.is_empty() { Ok(settings) } else { Err(Faults { path: path.to_owned(), faults }) }
}

/// Every key the code asks for when it reads `text`, with its default as it would be written.
pub fn asked(text: &str) -> BTreeMap<String, String> {
    let mut asked = BTreeMap::new();
    if let Err(fault) = parse(text, &BTreeMap::new(), false, &mut asked) {
        asked.insert(fault.key, fault.what);
    }
    asked
}

fn parse(
    text: &str,
    environment: &BTreeMap<String, String>,
    others_read: bool,
    asked: &mut BTreeMap<String, String>,
) -> Result<(Settings, Vec<Fault>), Fault> {
    if let Err(error) = text.parse::<toml::Table>() {
        let line = error.span().map_or(0, |span| lines::line_at(text, span.start));
        let what = format!("is no TOML: {}", error.message().trim());
        return Err(Fault { line, key: "the file".to_owned(), what });
    }
    let mut tree: Value = toml::from_str(text).map_err(|error| Fault {
        line: error.span().map_or(0, |span| lines::line_at(text, span.start)),
        key: "the file".to_owned(),
        what: error.message().trim().to_owned(),
    })?;
    for (name, value) in environment {
        if let Some(path) = name.strip_prefix(PREFIX) {
            lay_over(&mut tree, path, value);
        }
    }
    let book = Book::new(lines::of(text), others_read);
    let values = Values::of_tree(&tree);
    let mut settings = Settings { values, ..settings(Reader::root(&book, tree), environment) };
    settings.warnings.extend(book.warnings());
    *asked = book.asked();
    Ok((settings, book.into_faults()))
}

/// Sets the value at `A__B__C`. Names are the file's own where they differ in case alone, as those of
/// zones do.
fn lay_over(tree: &mut Value, path: &str, value: &str) {
    let (name, inner) =
        path.split_once("__").map_or((path, None), |(name, rest)| (name, Some(rest)));
    if !tree.is_object() {
        *tree = Value::Object(serde_json::Map::new());
    }
    let Value::Object(table) = tree else { return };
    let known = table.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
    let place = table.entry(known.unwrap_or_else(|| name.to_ascii_lowercase()));
    let place = place.or_insert(Value::Null);
    match inner {
        Some(inner) => lay_over(place, inner, value),
        None => *place = Value::String(value.to_owned()),
    }
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
    let page = page(&mut root, environment, &mut warnings);
    let mut log = root.table("log");
    let log_json = log.flag("json", false);
    log.end();
    root.end();
    let (credentials, endpoints) = cloud_base;
    Settings {
        policy: Policy { namer: Namer::new(&farm), pools, limits, spending, shared, timing },
        cloud: CloudSettings { credentials, endpoints, purchases },
        queues: queues.into_iter().filter_map(|(name, queue)| Some((name, queue?))).collect(),
        store,
        page,
        log_json,
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
    let dir = store.text("dir", "/var/lib/farmscale");
    store.end();
    dir
}

fn page(
    root: &mut Reader<'_>,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> PageSettings {
    let mut page = root.table("page");
    let default = "127.0.0.1:8420";
    let listen = page.text("listen", default);
    let listen = listen.parse().unwrap_or_else(|_| {
        page.fault("listen", format!("is \"{listen}\": must be an address such as {default}"));
        SocketAddr::from(([127, 0, 0, 1], 8420))
    });
    let hosts = page.texts("hosts");
    let token = secrets::token(&mut page, environment, warnings);
    if !listen.ip().is_loopback() && token.is_none() {
        let remedy = "set token_file, or listen on 127.0.0.1 behind a proxy that asks who it is";
        page.fault("listen", format!("is open to the network without a token: {remedy}"));
    }
    page.end();
    PageSettings { listen, hosts, token }
}
