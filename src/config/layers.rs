//! What a config is laid together from: the file, drop-ins beside it (`farmscale.toml.d/*.toml`, by
//! name), the environment (`FARMSCALE__A__B`). A later layer goes over an earlier one, key by key;
//! lists go over as a whole. The `config` crate lays them, `toml` tells the line of each key.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::config::{Config, ConfigError, Map, Source, Value as Laid, ValueKind};
use serde_json::Value;

use super::lines;
use super::reader::{Fault, Place};

/// `FARMSCALE__A__B` is the setting `a.b`.
const PREFIX: &str = "FARMSCALE__";
/// Typed by editors and input methods instead of what TOML wants.
const QUOTES: [char; 6] = ['“', '”', '‘', '’', '「', '」'];
const WIDE: [char; 6] = ['＝', '，', '：', '［', '］', '＃'];

/// All layers, laid over each other.
#[derive(Debug, Default)]
pub(super) struct Layered {
    /// The settings.
    pub(super) tree: Value,
    /// Where each was said.
    pub(super) places: BTreeMap<String, Place>,
    /// Files that everybody on this machine may read.
    pub(super) open_files: Vec<Arc<str>>,
}

/// One layer: a file, or a variable of the environment.
#[derive(Debug, Clone, Default)]
struct Layer {
    settings: Map<String, Laid>,
    places: BTreeMap<String, Place>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Laid>, ConfigError> {
        Ok(self.settings.clone())
    }
}

/// Reads all layers; every file that cannot be read is a fault.
pub(super) fn read(
    path: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Layered, Vec<Fault>> {
    let mut faults = Vec::new();
    let (mut files, mut open_files) = (Vec::new(), Vec::new());
    for file in std::iter::once(path.to_owned()).chain(drop_ins(path, &mut faults)) {
        let shown: Arc<str> = file.display().to_string().into();
        match text(&file, &shown).and_then(|text| layer(&text, &shown)) {
            Ok(layer) => files.push(layer),
            Err(fault) => faults.push(fault),
        }
        let mode = std::fs::metadata(&file).map(|file| file.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o004 != 0) {
            open_files.push(shown);
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let layered = lay(files, environment).map_err(|fault| vec![fault])?;
    Ok(Layered { open_files, ..layered })
}

/// A text alone.
pub(super) fn of_text(text: &str) -> Result<Layered, Fault> {
    lay(vec![layer(text, &Arc::from("the text"))?], &BTreeMap::new())
}

/// The files of the folder `<config>.d`, by name.
fn drop_ins(path: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut folder = path.as_os_str().to_owned();
    folder.push(".d");
    let folder = PathBuf::from(folder);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let shown = folder.display().to_string();
            faults.push(of_file(&shown.into(), 0, format!("cannot be read: {error}")));
            return Vec::new();
        }
    };
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(".");
        !name.starts_with('.') && path.extension().is_some_and(|end| end == "toml")
    };
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_meant).collect();
    files.sort();
    files
}

fn of_file(file: &Arc<str>, line: usize, what: String) -> Fault {
    let place = Place::Line { file: Arc::clone(file), line };
    Fault { place, key: "the file".to_owned(), what }
}

/// A file's text; one that is not UTF-8 is told how to become it.
fn text(path: &Path, shown: &Arc<str>) -> Result<String, Fault> {
    let bytes = std::fs::read(path)
        .map_err(|error| of_file(shown, 0, format!("cannot be read: {error}")))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(of_file(shown, 0, "is UTF-16: save it as UTF-8".to_owned()));
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let what = format!(
            "is not UTF-8 (GBK, as some editors write Chinese?): save it as UTF-8, or run \
             `iconv -f GBK -t UTF-8 {shown} >NEW`"
        );
        of_file(shown, line, what)
    })
}

/// A text as a layer.
fn layer(text: &str, file: &Arc<str>) -> Result<Layer, Fault> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| lines::line_at(text, span.start));
        let written = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
        let what = format!("is no TOML: {}{}", error.message().trim(), advice(written));
        of_file(file, line, what)
    })?;
    let place = |(key, line)| (key, Place::Line { file: Arc::clone(file), line });
    let places = lines::of_keys(text).into_iter().map(place).collect();
    let settings = table.into_iter().map(|(name, value)| (name, laid(value))).collect();
    Ok(Layer { settings, places })
}

/// What a line that is no TOML most likely wants.
fn advice(line: &str) -> &'static str {
    let code = line.split('#').next().unwrap_or(line);
    if code.contains(QUOTES) {
        " (“ ” and ‘ ’ are Chinese quotation marks; TOML wants \" before and after a text)"
    } else if code.contains(WIDE) {
        " (it has full-width signs such as ＝ or ，; TOML wants = and ,)"
    } else {
        ""
    }
}

fn laid(value: toml::Value) -> Laid {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(flag) => ValueKind::Boolean(flag),
        // A time of day without quotes is read as it is written.
        toml::Value::Datetime(moment) => ValueKind::String(moment.to_string()),
        toml::Value::Array(items) => ValueKind::Array(items.into_iter().map(laid).collect()),
        toml::Value::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(name, value)| (name, laid(value))).collect())
        }
    };
    Laid::new(None, kind)
}

/// Files first, in their order; then the environment, whose names are the files' own where they
/// differ in case alone, as those of zones do.
fn lay(files: Vec<Layer>, environment: &BTreeMap<String, String>) -> Result<Layered, Fault> {
    let known = over(&files)?;
    let variables = environment.iter().filter_map(|(name, value)| {
        let path = name.strip_prefix(PREFIX).filter(|path| !path.is_empty())?;
        let mut names = Vec::new();
        let mut here = Some(&known);
        for part in path.split("__") {
            let own = here
                .and_then(Value::as_object)
                .and_then(|table| table.keys().find(|own| own.eq_ignore_ascii_case(part)).cloned());
            let own = own.unwrap_or_else(|| part.to_ascii_lowercase());
            here = here.and_then(|here| here.get(&own));
            names.push(own);
        }
        Some(variable(name, &names, value))
    });
    let layers: Vec<Layer> = files.into_iter().chain(variables).collect();
    let tree = over(&layers)?;
    let mut places = BTreeMap::new();
    for layer in layers {
        for (key, place) in layer.places {
            let is_table = at(&tree, &key).is_some_and(Value::is_object);
            // What a table lacks is told where it begins.
            if !is_table || !places.contains_key(&key) {
                places.insert(key, place);
            }
        }
    }
    Ok(Layered { tree, places, open_files: Vec::new() })
}

fn at<'a>(tree: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(tree, |here, name| match here.as_array() {
        Some(items) => items.get(name.parse::<usize>().ok()?),
        None => here.get(name),
    })
}

fn variable(name: &str, path: &[String], value: &str) -> Layer {
    let place = Place::Variable(name.into());
    let mut laid = Laid::new(None, ValueKind::String(value.to_owned()));
    for own in path.iter().skip(1).rev() {
        let table: Map<String, Laid> = [(own.clone(), laid)].into_iter().collect();
        laid = Laid::new(None, ValueKind::Table(table));
    }
    let settings = path.first().map(|first| (first.clone(), laid)).into_iter().collect();
    let keys = (1..=path.len()).filter_map(|count| Some(path.get(..count)?.join(".")));
    Layer { settings, places: keys.map(|key| (key, place.clone())).collect() }
}

/// Lays layers over each other.
fn over(layers: &[Layer]) -> Result<Value, Fault> {
    let builder =
        layers.iter().fold(Config::builder(), |builder, layer| builder.add_source(layer.clone()));
    let tree = builder.build().and_then(Config::try_deserialize);
    tree.map_err(|error| Fault {
        place: Place::Nowhere,
        key: "the file".to_owned(),
        what: error.to_string(),
    })
}
