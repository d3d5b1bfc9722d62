//! What can be said against a call before it is sent: names, types, ranges, the vendor's rules.
//!
//! ```
//! use farmscale::cloud::actions::check::password;
//!
//! assert_eq!(password("Render-2026"), None);
//! assert!(password("render").is_some());
//! ```

use std::fmt;

use serde_json::{Map, Value};

use super::{Action, Kind, Param, Rule, rules};

/// What a password may hold besides letters and digits.
const SIGNS: &str = "()`~!@#$%^&*-+=_|{}[]:;,.?/";
/// What a Windows machine knows of its name.
const WINDOWS_NAME_MAX: usize = 15;

/// Something wrong with a call, or worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The parameter, `SystemDisk.Size` for one within another.
    pub param: String,
    /// What is wrong, and what would be right.
    pub what: String,
    /// What kind of thing is wrong.
    pub fault: Fault,
}

/// What kind of thing is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It must be there.
    Missing,
    /// It must not be there.
    Unknown,
    /// It is of another type: a text where a number is wanted.
    Type,
    /// It cannot be so.
    Wrong,
    /// It can be so, and is worth a second look: the call may be sent all the same.
    Warning,
}

impl Problem {
    /// Whether the call may be sent all the same.
    pub fn is_warning(&self) -> bool {
        self.fault == Fault::Warning
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.param, self.what)
    }
}

/// Everything wrong with a call of `action` with these parameters.
pub fn check(action: &Action, params: &Map<String, Value>) -> Vec<Problem> {
    let mut found = Vec::new();
    object("", action.params, params, &mut found);
    for rule in action.rules.iter().filter(|rule| rule.is_broken(params)) {
        let fault = if rule.refused { Fault::Wrong } else { Fault::Warning };
        found.push(Problem { param: rule.param.to_owned(), what: rule_words(rule, params), fault });
    }
    disks(params, &mut found);
    found
}

/// A size that cannot be is told with the next one that can.
fn rule_words(rule: &Rule, params: &Map<String, Value>) -> String {
    let gib = ["Size", "ExtendedSize"]
        .into_iter()
        .filter(|name| rule.param == *name)
        .find_map(|name| params.get(name)?.as_u64());
    match gib {
        Some(gib) => format!("{}; the next is {}", rule.what, rules::next_size(gib)),
        None => rule.what.to_owned(),
    }
}

fn object(prefix: &str, known: &[Param], given: &Map<String, Value>, found: &mut Vec<Problem>) {
    for (name, value) in given.iter().filter(|(_, value)| !rules::is_blank(value)) {
        let place = format!("{prefix}{name}");
        if let Some(param) = known.iter().find(|param| param.is_called(name)) {
            kind(&place, param.kind, value, found);
        } else {
            let names: Vec<_> = known.iter().map(|param| param.name).collect();
            let what = match names.as_slice() {
                [] => "is not known here, which takes none".to_owned(),
                names => format!("is not known here; known: {}", names.join(", ")),
            };
            found.push(Problem { param: place, what, fault: Fault::Unknown });
        }
    }
    for param in known.iter().filter(|param| param.required) {
        let is_there = |name: &str| !rules::is_empty(given.get(name));
        if !is_there(param.name) && !is_there(param.alias) {
            let param_place = format!("{prefix}{}", param.name);
            let words = param.kind.words();
            let what = format!("is required ({words}): {}", param.about);
            found.push(Problem { param: param_place, what, fault: Fault::Missing });
        }
    }
}

fn kind(place: &str, kind: Kind, value: &Value, found: &mut Vec<Problem>) {
    let problem = match kind {
        Kind::Text => (!value.is_string()).then(|| "must be a text".to_owned()),
        Kind::Moment => moment(value),
        Kind::OneOf(words) => one_of(value, words),
        Kind::Flag => number_problem(value, 0, 1),
        Kind::Bool => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        Kind::Number(least, most) => number_problem(value, least, most),
        Kind::Usual(least, most) => usual(place, value, least, most, found),
        Kind::Gib => number_problem(value, 1, u32::MAX),
        Kind::Loose(least) => loose(value, least),
        Kind::Texts(most) => texts(place, value, most, found),
        Kind::JsonTexts => texts(place, &unpacked(value), usize::MAX, found),
        Kind::Words => texts(place, value, usize::MAX, found),
        Kind::ManyOf(words) => {
            let texts = texts(place, value, usize::MAX, found);
            let mut each = value.as_array().into_iter().flatten();
            texts.or_else(|| each.find_map(|one| one_of(one, words)))
        }
        Kind::Name | Kind::Label => match value.as_str() {
            None => Some("must be a text".to_owned()),
            Some(name) => {
                let problem = name_problem(place, name, found);
                if let (Some(problem), Kind::Label) = (&problem, kind) {
                    let what = format!("{problem} (the rule for disks; none is documented)");
                    warn(found, place, &what);
                }
                problem.filter(|_| kind == Kind::Name)
            }
        },
        Kind::Secret => secret(place, value, found),
        Kind::Object(known) => match value.as_object() {
            Some(given) => {
                object(&format!("{place}."), known, given, found);
                None
            }
            None => Some("must be a JSON object, such as {\"Size\":40}".to_owned()),
        },
        Kind::Objects(known) => objects(place, known, value, found),
    };
    if let Some(what) = problem {
        let fault = if has_type(kind, value) { Fault::Wrong } else { Fault::Type };
        found.push(Problem { param: place.to_owned(), what, fault });
    }
}

/// Whether a value is of the type its parameter has, whatever it says.
fn has_type(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text | Kind::Moment | Kind::OneOf(_) | Kind::Name | Kind::Label | Kind::Secret => {
            value.is_string()
        }
        Kind::Flag | Kind::Number(..) | Kind::Usual(..) | Kind::Gib => {
            value.is_i64() || value.is_u64()
        }
        Kind::Loose(_) => value.is_i64() || value.is_u64() || value.is_string(),
        Kind::Bool => value.is_boolean(),
        Kind::Texts(_) | Kind::JsonTexts | Kind::Words | Kind::ManyOf(_) => value.is_array(),
        Kind::Object(_) => value.is_object(),
        Kind::Objects(_) => value.is_object() || value.is_array(),
    }
}

/// A list that stands as JSON in a text, as in an address: in a body it may be either.
fn unpacked(value: &Value) -> Value {
    let text = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    text.unwrap_or_else(|| value.clone())
}

/// A number that some pages have as a text.
fn loose(value: &Value, least: u32) -> Option<String> {
    let number = value.as_str().and_then(|text| text.parse::<u64>().ok()).map(Value::from);
    number_problem(number.as_ref().unwrap_or(value), least, u32::MAX)
}

/// A list, or the one object that a sample of the document has in its place.
fn objects(
    place: &str,
    known: &[Param],
    value: &Value,
    found: &mut Vec<Problem>,
) -> Option<String> {
    match value {
        Value::Array(list) if list.iter().all(Value::is_object) => {
            for (number, given) in list.iter().filter_map(Value::as_object).enumerate() {
                object(&format!("{place}[{number}]."), known, given, found);
            }
            None
        }
        Value::Object(given) => {
            object(&format!("{place}."), known, given, found);
            None
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Some("must be a JSON list of objects".to_owned())
        }
    }
}

fn one_of(value: &Value, words: &[&str]) -> Option<String> {
    let known = value.as_str().is_some_and(|text| words.contains(&text));
    (!known).then(|| format!("must be one of {}", words.join(", ")))
}

fn number_problem(value: &Value, least: u32, most: u32) -> Option<String> {
    let fits = value
        .as_u64()
        .is_some_and(|number| u64::from(least) <= number && number <= u64::from(most));
    (!fits).then(|| match most {
        u32::MAX => format!("must be a whole number from {least}, not {value}"),
        _ => format!("must be a whole number from {least} to {most}, not {value}"),
    })
}

/// No document states the upper limit.
fn usual(
    place: &str,
    value: &Value,
    least: u32,
    most: u32,
    found: &mut Vec<Problem>,
) -> Option<String> {
    let problem = number_problem(value, least, u32::MAX);
    if problem.is_none() && value.as_u64().is_some_and(|number| u64::from(most) < number) {
        warn(found, place, &format!("is unusual: {value}; {most} at most is known"));
    }
    problem
}

fn texts(place: &str, value: &Value, most: usize, found: &mut Vec<Problem>) -> Option<String> {
    let list = value.as_array().filter(|list| list.iter().all(Value::is_string));
    let Some(list) = list else { return Some("must be a list of texts".to_owned()) };
    if most < list.len() {
        let what = format!("has {} entries; no more than {most} have been tried", list.len());
        warn(found, place, &what);
    }
    None
}

fn moment(value: &Value) -> Option<String> {
    let reads = value.as_str().is_some_and(|text| {
        let joined = text.split_whitespace().collect::<Vec<_>>().join("T");
        joined.contains('T') && joined.parse::<jiff::civil::DateTime>().is_ok()
    });
    (!reads).then(|| "must be a moment like 2026-01-02 03:04:05".to_owned())
}

/// Which signs a password may hold stands in no document, only in the vendor's program.
fn secret(place: &str, value: &Value, found: &mut Vec<Problem>) -> Option<String> {
    let Some(text) = value.as_str() else { return Some("must be a text".to_owned()) };
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || SIGNS.contains(letter);
    if !text.chars().all(is_known) {
        let what = format!("holds other signs than {SIGNS}, which may be refused");
        warn(found, place, &what);
    }
    password(text)
}

/// 8–30 characters, at least three of the four kinds.
pub fn password(password: &str) -> Option<String> {
    let count = password.chars().count();
    if !(8..=30).contains(&count) {
        return Some(format!("has {count} characters; 8 to 30 are allowed"));
    }
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_ascii_uppercase(),
        |letter| letter.is_ascii_lowercase(),
        |letter| letter.is_ascii_digit(),
        |letter| !letter.is_ascii_alphanumeric(),
    ];
    let has = kinds.into_iter().filter(|kind| password.chars().any(kind)).count();
    (has < 3)
        .then(|| "must have three of: capital letters, small letters, digits, signs".to_owned())
}

/// The document's rule for disks, taken for every name.
fn name_problem(place: &str, name: &str, found: &mut Vec<Problem>) -> Option<String> {
    if name.is_empty() {
        return None; // the API makes one up
    }
    let is_allowed = |letter: char| {
        letter.is_ascii_alphanumeric()
            || "._:-()".contains(letter)
            || ('\u{4e00}'..='\u{9fff}').contains(&letter)
    };
    let count = name.chars().count();
    if !(2..=40).contains(&count) {
        return Some(format!("has {count} characters; 2 to 40 are allowed"));
    }
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("must begin with a letter from A to Z".to_owned());
    }
    if !name.chars().all(is_allowed) {
        return Some("may hold letters, Chinese characters, digits and ._:-() only".to_owned());
    }
    if WINDOWS_NAME_MAX < count {
        let what = format!("a Windows machine knows only the first {WINDOWS_NAME_MAX} characters");
        warn(found, place, &what);
    }
    None
}

/// Kinds of disk that do not go together, and sizes within objects.
fn disks(params: &Map<String, Value>, found: &mut Vec<Problem>) {
    let Some(system) = params.get("SystemDisk") else { return };
    let size = |disk: &Value| disk.get("Size")?.as_u64();
    let is_cloud = |disk: &Value| {
        let feature = disk.get("DiskFeature").and_then(Value::as_str);
        feature.is_some_and(|feature| feature.eq_ignore_ascii_case("ssd"))
    };
    if let Some(gib) = size(system).filter(|_| is_cloud(system)) {
        disk_size("SystemDisk.Size", gib, found);
    }
    let data = params.get("DataDisk");
    let many = data.and_then(Value::as_array).into_iter().flatten();
    for (number, disk) in many.chain(data.filter(|one| one.is_object())).enumerate() {
        let place = format!("DataDisk[{number}]");
        if let Some(gib) = size(disk) {
            disk_size(&format!("{place}.Size"), gib, found);
        }
        if is_cloud(disk) != is_cloud(system) {
            let what = "local and cloud disks are mixed: the document forbids it, its samples do \
                        it; the server decides";
            warn(found, &place, what);
        }
    }
}

fn disk_size(place: &str, gib: u64, found: &mut Vec<Problem>) {
    let next = rules::next_size(gib);
    if next != gib {
        fault(found, place, &format!("must be a multiple of 8 GiB from 24; the next is {next}"));
    }
}

fn fault(found: &mut Vec<Problem>, param: &str, what: &str) {
    found.push(Problem { param: param.to_owned(), what: what.to_owned(), fault: Fault::Wrong });
}

fn warn(found: &mut Vec<Problem>, param: &str, what: &str) {
    found.push(Problem { param: param.to_owned(), what: what.to_owned(), fault: Fault::Warning });
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;
    use serde_json::json;

    fn problems(action: &str, params: &Value) -> Vec<String> {
        let found = check(find(action).unwrap(), params.as_object().unwrap());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_disk_comes_in_steps_of_eight_and_the_next_step_is_named() {
        let disk =
            |size: u32| json!({"AvailableZoneCode": "A", "DiskFeature": "SSD", "Size": size});
        assert_eq!(problems("CreateDisk", &disk(32)), Vec::<String>::new());
        assert_eq!(
            problems("CreateDisk", &disk(42)),
            ["Size: must be a multiple of 8 GiB from 24; the next is 48"]
        );
        assert!(problems("CreateDisk", &disk(8))[0].contains("the next is 24"));
    }

    #[test]
    fn a_password_needs_three_kinds_and_signs_nobody_knows_are_warned_of() {
        assert_eq!(password("KVMV587!"), None);
        let sample = json!({ "EcsIds": ["ins-1"], "Password": "KVMV587!\t" });
        let action = find("ModifyInstancePassword").unwrap();
        let found = check(action, sample.as_object().unwrap());
        assert!(found.len() == 1 && found[0].is_warning(), "the document's own: {found:?}");
        assert!(password("abcdefgh1").unwrap().contains("three of"));
        assert!(password("Ab1!").unwrap().contains("4 characters"));
    }

    #[test]
    fn what_is_missing_unknown_or_out_of_range_is_named_with_the_remedy() {
        let params = json!({"EcsIds": ["ins-1"], "OpType": "stop", "Colour": "red"});
        let found = problems("OperateInstance", &params);
        assert!(found.iter().any(|one| one.starts_with("OpType: must be one of start_up_ecs")));
        assert!(
            found.iter().any(|one| one.starts_with("Colour: is not known here; known: EcsIds"))
        );
        let found = problems("DescribeDisk", &json!({}));
        assert_eq!(found, ["DiskId: is required (text): disk id, `disk-…`"]);
        let nested = problems("DescribePrice", &json!({"SystemDiskInfo": {"Size": 40}}));
        assert!(
            nested.iter().any(|one| one.starts_with("SystemDiskInfo.DiskFeature: is required"))
        );
    }

    /// The document's own samples name machines and images in Chinese.
    #[test]
    fn the_rule_for_names_binds_disks_only() {
        let renamed = json!({"EcsId": "ins-1", "Name": "测试测试1"});
        let found = check(find("ModifyInstanceName").unwrap(), renamed.as_object().unwrap());
        assert!(found.len() == 1 && found[0].is_warning(), "{found:?}");
        let disk = json!({
            "AvailableZoneCode": "A", "DiskFeature": "SSD", "Size": 32, "DiskName": "测试1",
        });
        assert!(problems("CreateDisk", &disk)[0].contains("must begin with a letter"));
    }

    #[test]
    fn mixed_disks_and_dangerous_defaults_are_warned_about_and_not_refused() {
        let all =
            |action: &str, params: Value| check(find(action).unwrap(), params.as_object().unwrap());
        let found =
            all("OperateInstance", json!({"EcsIds": ["ins-1"], "OpType": "free_shutdown_ecs"}));
        assert!(found.iter().all(Problem::is_warning) && found.len() == 1, "{found:?}");
        let found = all("DeleteImage", json!({"ImageIds": ["img-1"]}));
        assert!(found[0].is_warning() && found[0].what.contains("EVERY zone"));
        let mixed = json!({
            "SystemDisk": {"DiskFeature": "local", "Size": 50},
            "DataDisk": [{"DiskFeature": "ssd", "Size": 48}],
        });
        let found = all("CreateInstance", mixed);
        let mixed = found.iter().find(|one| one.param == "DataDisk[0]").unwrap();
        assert!(mixed.is_warning() && mixed.what.contains("mixed"), "{found:?}");
    }
}
