//! What can be said against a call before it is sent: names, types, ranges, the vendor's rules.

use std::fmt;

use serde_json::{Map, Value};

use super::{Action, Kind, Param};

/// Cloud disks come in steps of this many GiB…
const DISK_STEP: u64 = 8;
/// …from this many.
const DISK_MIN: u64 = 24;
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
    /// The call may be sent all the same.
    pub is_warning: bool,
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
    rules(action, params, &mut found);
    found
}

fn object(prefix: &str, known: &[Param], given: &Map<String, Value>, found: &mut Vec<Problem>) {
    for (name, value) in given {
        let place = format!("{prefix}{name}");
        if let Some(param) = known.iter().find(|param| param.name == name) {
            kind(&place, param.kind, value, found);
        } else {
            let names: Vec<_> = known.iter().map(|param| param.name).collect();
            fault(found, &place, &format!("is not known here; known: {}", names.join(", ")));
        }
    }
    for param in known.iter().filter(|param| param.required && is_empty(given.get(param.name))) {
        let place = format!("{prefix}{}", param.name);
        fault(found, &place, &format!("is required ({}): {}", param.kind.words(), param.about));
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => false,
    }
}

fn kind(place: &str, kind: Kind, value: &Value, found: &mut Vec<Problem>) {
    let problem = match kind {
        Kind::Text => (!value.is_string()).then(|| "must be a text".to_owned()),
        Kind::Moment => moment(value),
        Kind::OneOf(words) => {
            let known = value.as_str().is_some_and(|text| words.contains(&text));
            (!known).then(|| format!("must be one of {}", words.join(", ")))
        }
        Kind::Flag => number(value, 0, 1),
        Kind::Bool => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        Kind::Number(least, most) => number(value, least, most),
        Kind::Gib => number(value, 1, u32::MAX),
        Kind::Texts(most) => texts(value, most),
        Kind::JsonTexts => texts(value, usize::MAX),
        Kind::Name | Kind::Label => match value.as_str() {
            None => Some("must be a text".to_owned()),
            Some(name) => {
                let problem = name_problem(place, name, found);
                if let (Some(problem), Kind::Label) = (&problem, kind) {
                    warn(
                        found,
                        place,
                        &format!("{problem} (the rule for disks; none is documented)"),
                    );
                }
                problem.filter(|_| kind == Kind::Name)
            }
        },
        Kind::Secret => value.as_str().map_or_else(|| Some("must be a text".to_owned()), password),
        Kind::Object(known) => match value.as_object() {
            Some(given) => {
                object(&format!("{place}."), known, given, found);
                None
            }
            None => Some("must be a JSON object, such as {\"Size\":40}".to_owned()),
        },
        Kind::Objects(known) => match value.as_array() {
            Some(list) if list.iter().all(Value::is_object) => {
                for (number, given) in list.iter().filter_map(Value::as_object).enumerate() {
                    object(&format!("{place}[{number}]."), known, given, found);
                }
                None
            }
            Some(_) | None => Some("must be a JSON list of objects".to_owned()),
        },
    };
    if let Some(problem) = problem {
        fault(found, place, &problem);
    }
}

fn number(value: &Value, least: u32, most: u32) -> Option<String> {
    let fits = value
        .as_u64()
        .is_some_and(|number| u64::from(least) <= number && number <= u64::from(most));
    (!fits).then(|| match most {
        u32::MAX => format!("must be a whole number from {least}, not {value}"),
        _ => format!("must be a whole number from {least} to {most}, not {value}"),
    })
}

fn texts(value: &Value, most: usize) -> Option<String> {
    let list = value.as_array().filter(|list| list.iter().all(Value::is_string));
    match list {
        None => Some("must be a list of texts".to_owned()),
        Some(list) if most < list.len() => {
            Some(format!("has {} entries, {most} are allowed in one call", list.len()))
        }
        Some(_) => None,
    }
}

fn moment(value: &Value) -> Option<String> {
    let reads = value.as_str().is_some_and(|text| {
        let joined = text.split_whitespace().collect::<Vec<_>>().join("T");
        joined.parse::<jiff::civil::DateTime>().is_ok()
    });
    (!reads).then(|| "must be a moment like 2026-01-02 03:04:05".to_owned())
}

/// 8–30 characters, at least three of the four kinds.
pub fn password(password: &str) -> Option<String> {
    let count = password.chars().count();
    if !(8..=30).contains(&count) {
        return Some(format!("has {count} characters; 8 to 30 are allowed"));
    }
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || SIGNS.contains(letter);
    if !password.chars().all(is_allowed) {
        return Some(format!("may hold letters, digits and {SIGNS} only"));
    }
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_ascii_uppercase(),
        |letter| letter.is_ascii_lowercase(),
        |letter| letter.is_ascii_digit(),
        |letter| SIGNS.contains(letter),
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

/// Rules that concern more than one parameter.
fn rules(action: &Action, params: &Map<String, Value>, found: &mut Vec<Problem>) {
    disks(params, found);
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let is_given = |name: &str| params.contains_key(name);
    let months = params.get("Duration").and_then(Value::as_u64).unwrap_or(1);
    if 12 < months && !months.is_multiple_of(12) {
        fault(found, "Duration", "must be a multiple of 12 when more than a year");
    }
    let spot = text("BillingMethod") == Some("3");
    if text("SpotType") == Some("bid") && !is_given("SpotAmount") {
        fault(found, "SpotAmount", "is required with SpotType bid; DescribePrice tells its range");
    }
    if is_given("SpotType") && !spot {
        fault(found, "SpotType", "needs BillingMethod 3");
    }
    if action.name == "CreateInstance" && !is_given("SkipSpotRelease") {
        let what = "is not given: the API then evicts other spot machines and may wait an hour";
        warn(found, "SkipSpotRelease", what);
    }
    if action.name == "DeleteImage" && !is_given("AvailableZoneCode") {
        warn(found, "AvailableZoneCode", "is not given: the image is deleted in EVERY zone");
    }
    if text("OpType") == Some("free_shutdown_ecs") && !is_given("DeleteEip") {
        warn(found, "DeleteEip", "is not given: the API then RELEASES the public address");
    }
}

/// Sizes of cloud disks, and kinds of disk that do not go together.
fn disks(params: &Map<String, Value>, found: &mut Vec<Problem>) {
    for name in ["Size", "ExtendedSize"] {
        if let Some(gib) = params.get(name).and_then(Value::as_u64) {
            disk_size(name, gib, found);
        }
    }
    let Some(system) = params.get("SystemDisk") else { return };
    let size = |disk: &Value| disk.get("Size")?.as_u64();
    let is_cloud = |disk: &Value| {
        let feature = disk.get("DiskFeature").and_then(Value::as_str);
        feature.is_some_and(|feature| feature.eq_ignore_ascii_case("ssd"))
    };
    if let Some(gib) = size(system).filter(|_| is_cloud(system)) {
        disk_size("SystemDisk.Size", gib, found);
    }
    let data = params.get("DataDisk").and_then(Value::as_array).into_iter().flatten();
    for (number, disk) in data.enumerate() {
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
    if gib < DISK_MIN || !gib.is_multiple_of(DISK_STEP) {
        let next = gib.max(DISK_MIN).next_multiple_of(DISK_STEP);
        let what = format!("must be a multiple of {DISK_STEP} from {DISK_MIN}; the next is {next}");
        fault(found, place, &what);
    }
}

fn fault(found: &mut Vec<Problem>, param: &str, what: &str) {
    found.push(Problem { param: param.to_owned(), what: what.to_owned(), is_warning: false });
}

fn warn(found: &mut Vec<Problem>, param: &str, what: &str) {
    found.push(Problem { param: param.to_owned(), what: what.to_owned(), is_warning: true });
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
            ["Size: must be a multiple of 8 from 24; the next is 48"]
        );
        assert!(problems("CreateDisk", &disk(8))[0].contains("the next is 24"));
    }

    #[test]
    fn a_password_needs_three_kinds_and_no_tab() {
        assert_eq!(password("KVMV587!"), None);
        assert!(password("KVMV587!\t").unwrap().contains("only"), "the document's own sample");
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
        assert!(found.len() == 1 && found[0].is_warning, "{found:?}");
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
        assert!(found.iter().all(|one| one.is_warning) && found.len() == 1, "{found:?}");
        let found = all("DeleteImage", json!({"ImageIds": ["img-1"]}));
        assert!(found[0].is_warning && found[0].what.contains("EVERY zone"));
        let mixed = json!({
            "SystemDisk": {"DiskFeature": "local", "Size": 50},
            "DataDisk": [{"DiskFeature": "ssd", "Size": 48}],
        });
        let found = all("CreateInstance", mixed);
        let mixed = found.iter().find(|one| one.param == "DataDisk[0]").unwrap();
        assert!(mixed.is_warning && mixed.what.contains("mixed"), "{found:?}");
    }
}
