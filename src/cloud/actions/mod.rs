//! Every action of the API that is known: verb, service, parameters, answer, contradictions.
//!
//! One table serves the typed client, `farmscale api`, the simulated cloud with its refusals, and
//! docs/vendor-api.md. Sources: ECS and EBS = 首云公开API文档 (chapters of that name); `new` = the
//! vendor's later pages; VPC = 私有网络概览; *client* = the vendor's newest public program.
//!
//! ```
//! use farmscale::cloud::actions;
//!
//! let action = actions::find("DeleteImage").unwrap();
//! let given = serde_json::json!({ "ImageIds": ["img-1"] });
//! let found = actions::check::check(action, given.as_object().unwrap());
//! assert!(found[0].is_warning() && found[0].what.contains("EVERY zone"));
//! ```

use serde_json::{Map, Value, json};

use super::Endpoints;
use super::throttle::Need;
pub use holds::{Field, Holds, ToldBy};
pub use rules::Rule;

mod answers;
pub mod check;
pub mod ebs;
pub mod ecs;
pub mod groups;
mod holds;
pub mod network;
mod network_answers;
pub mod newer;
mod rules;
pub mod snapshots;

/// Which base address an action lives under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `/ecs/v1`.
    Ecs,
    /// `/ecs/v1.1`: `DescribeImages` alone.
    Images,
    /// `/ebs/v1`.
    Ebs,
    /// `/sg/v1`.
    SecurityGroups,
    /// `/vpc`, on another host.
    Vpc,
}

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// As the API spells it.
    pub name: &'static str,
    /// `GET` (parameters in the address) or `POST` (JSON body).
    pub method: &'static str,
    /// Where.
    pub service: Service,
    /// Whether it changes anything: sent once, never repeated.
    pub changes: bool,
    /// Whether it answers with an `EventId` to follow.
    pub event: bool,
    /// What it does, in Chinese.
    pub title: &'static str,
    /// What it does, in English.
    pub about: &'static str,
    /// Parameters, required ones first.
    pub params: &'static [Param],
    /// What `Data` holds.
    pub answer: Holds,
    /// Fields of a row worth a column, the most important first; none = as they come.
    pub columns: &'static [&'static str],
    /// What must hold besides each parameter by itself.
    pub rules: &'static [Rule],
    /// Chapter of the vendor's document.
    pub source: &'static str,
    /// What the vendor's pages and programs disagree on, and what is done about it.
    pub quirks: &'static str,
    /// Whether 首云公开API文档 has it; if not, a later page or the vendor's program alone.
    pub in_document: bool,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// As the API spells it.
    pub name: &'static str,
    /// What is sent.
    pub kind: Kind,
    /// Whether the API refuses a call without it.
    pub required: bool,
    /// What it means: unit, default, rule.
    pub about: &'static str,
    /// Another name it goes by in a sample or a program.
    pub alias: &'static str,
    /// Who says that it exists.
    pub told_by: ToldBy,
    /// Sent where nothing is given, because the API's own default differs from action to action.
    pub always: Option<u32>,
}

impl Param {
    /// Also known as.
    const fn or(self, alias: &'static str) -> Self {
        Self { alias, ..self }
    }

    /// Known from the vendor's program alone.
    const fn of_client(self) -> Self {
        Self { told_by: ToldBy::Client, ..self }
    }

    /// Sent where nothing is given.
    const fn always(self, value: u32) -> Self {
        Self { always: Some(value), ..self }
    }

    /// Whether it is called so.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || (!self.alias.is_empty() && self.alias == name)
    }
}

/// What a parameter's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// 0 or 1.
    Flag,
    /// `true` or `false`.
    Bool,
    /// A whole number: least, most.
    Number(u32, u32),
    /// A whole number from the first; above the second it is only warned about, for no document
    /// states a limit.
    Usual(u32, u32),
    /// A whole number from here, which some pages and programs have as a text.
    Loose(u32),
    /// GiB of a disk.
    Gib,
    /// A list of texts; more than so many are only warned about, for no document states a limit.
    Texts(usize),
    /// A list of texts, sent as JSON in a text.
    JsonTexts,
    /// A list of texts, sent with commas between.
    Words,
    /// A list of these words.
    ManyOf(&'static [&'static str]),
    /// A moment, `2026-01-02 03:04:05`.
    Moment,
    /// A name under the vendor's rule for disks.
    Name,
    /// A name for which no rule is documented: that of disks is only warned about.
    Label,
    /// A password; never given on a command line.
    Secret,
    /// A JSON object with these keys.
    Object(&'static [Param]),
    /// A list of such objects, or one of them.
    Objects(&'static [Param]),
}

impl Service {
    /// Its base address.
    pub fn base(self, endpoints: &Endpoints) -> &str {
        match self {
            Self::Ecs => &endpoints.ecs,
            Self::Images => &endpoints.ecs_images,
            Self::Ebs => &endpoints.ebs,
            Self::SecurityGroups => &endpoints.security_groups,
            Self::Vpc => &endpoints.vpc,
        }
    }

    /// Its path, as the vendor writes it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Ecs => "/ecs/v1",
            Self::Images => "/ecs/v1.1",
            Self::Ebs => "/ebs/v1",
            Self::SecurityGroups => "/sg/v1",
            Self::Vpc => "/vpc",
        }
    }
}

impl Action {
    /// What it is called here: two services have an action `DescribeEvent`.
    pub fn id(&self) -> &'static str {
        match (self.service, self.name) {
            (Service::Ebs, "DescribeEvent") => "ebs.DescribeEvent",
            (_, name) => name,
        }
    }

    /// What a call of it is for, when there are more calls than may be made.
    pub fn need(&self) -> Need {
        match self.name {
            _ if self.changes => Need::Change,
            "DescribeInstanceList" | "DescribeRegions" => Need::Listing,
            "DescribeEvent" | "DescribeInstanceStatus" | "DescribeInstance" | "DescribeTask" => {
                Need::Follow
            }
            "DescribePrice" | "DescribeZoneInstanceType" | "DescribeEcsFamilyInfo" => Need::Market,
            _ => Need::Other,
        }
    }

    /// The parameter of this name, whatever its case.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        let is = |one: &str| !one.is_empty() && one.eq_ignore_ascii_case(name);
        self.params.iter().find(|param| is(param.name) || is(param.alias))
    }

    /// Puts in what is always said: whether a public address goes with its machine. Tells which.
    pub fn say_always(&self, given: &mut Map<String, Value>) -> Vec<(&'static str, u32)> {
        let silent = self.params.iter().filter(|param| !given.contains_key(param.name));
        let said: Vec<_> = silent.filter_map(|param| Some((param.name, param.always?))).collect();
        given.extend(said.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        said
    }

    /// The same parameters with the other names that samples and programs have for them.
    pub fn other_names(&self, given: &Map<String, Value>) -> Option<Map<String, Value>> {
        let has_other = |name: &str| {
            self.params.iter().find(|param| param.name == name && !param.alias.is_empty())
        };
        let renamed = |(name, value): (&String, &Value)| {
            let name = has_other(name).map_or(name.as_str(), |param| param.alias);
            (name.to_owned(), value.clone())
        };
        let any = given.keys().any(|name| has_other(name).is_some());
        any.then(|| given.iter().map(renamed).collect())
    }

    /// The parameters of an address, read as what they are.
    pub fn read(&self, query: &[(String, String)]) -> Map<String, Value> {
        let read = |(name, text): &(String, String)| {
            let kind = self.params.iter().find(|param| param.is_called(name)).map(|one| one.kind);
            let value = kind.and_then(|kind| kind.read(text).ok());
            (name.clone(), value.unwrap_or_else(|| json!(text)))
        };
        query.iter().map(read).collect()
    }
}

impl Kind {
    /// Reads a value from text, as it stands in an address or on a command line. What does not read
    /// is kept as text, for the check to say what would.
    pub fn read(self, text: &str) -> Result<Value, serde_json::Error> {
        let number = || text.parse::<u64>().map_or_else(|_| json!(text), Value::from);
        Ok(match self {
            Self::Text
            | Self::OneOf(_)
            | Self::Moment
            | Self::Name
            | Self::Label
            | Self::Secret => json!(text),
            Self::Flag | Self::Number(..) | Self::Usual(..) | Self::Loose(_) | Self::Gib => {
                number()
            }
            Self::Bool => text.parse::<bool>().map_or_else(|_| json!(text), Value::from),
            Self::Texts(_) | Self::JsonTexts | Self::Words | Self::ManyOf(_) => texts(text),
            Self::Object(_) | Self::Objects(_) => serde_json::from_str(text)?,
        })
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::OneOf(words) => words.join(" | "),
            Self::Flag => "0 | 1".to_owned(),
            Self::Bool => "true | false".to_owned(),
            Self::Number(least, u32::MAX) | Self::Usual(least, _) | Self::Loose(least) => {
                format!("whole number from {least}")
            }
            Self::Number(least, most) => format!("whole number {least}–{most}"),
            Self::Gib => "GiB".to_owned(),
            Self::Texts(_) | Self::JsonTexts | Self::Words => "texts, comma between".to_owned(),
            Self::ManyOf(words) => format!("some of {}", words.join(", ")),
            Self::Moment => "2026-01-02 03:04:05".to_owned(),
            Self::Name | Self::Label => "name, 2–40 characters".to_owned(),
            Self::Secret => "password: file, environment or prompt".to_owned(),
            Self::Object(keys) => format!("JSON {{{}}}", names(keys)),
            Self::Objects(keys) => format!("JSON [{{{}}}]", names(keys)),
        }
    }
}

/// `a,b` or `["a","b"]`.
fn texts(text: &str) -> Value {
    let json: Option<Vec<String>> = serde_json::from_str(text).ok();
    let words = || text.split(',').map(|word| word.trim().to_owned()).collect();
    json!(json.unwrap_or_else(words))
}

fn names(params: &[Param]) -> String {
    params.iter().map(|param| param.name).collect::<Vec<_>>().join(", ")
}

const fn must(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, required: true, about, alias: "", told_by: ToldBy::Document, always: None }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { required: false, ..must(name, kind, about) }
}

/// An action before its particulars.
#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn action(
    service: Service,
    method: &'static str,
    name: &'static str,
    title: &'static str,
    about: &'static str,
    params: &'static [Param],
    answer: Holds,
) -> Action {
    Action {
        name,
        method,
        service,
        changes: false,
        event: false,
        title,
        about,
        params,
        answer,
        columns: &[],
        rules: &[],
        source: "",
        quirks: "",
        in_document: true,
    }
}

const ZONE: Param = must("AvailableZoneCode", Kind::Text, "zone, as DescribeRegions spells it");
const ZONE_MAYBE: Param = may("AvailableZoneCode", Kind::Text, "only this zone; omitted = all");
const REGION: Param = must("RegionCode", Kind::Text, "region, as DescribeRegions spells it");
const PAGE_NUMBER: Param = may("PageNumber", Kind::Number(1, u32::MAX), "from 1");
const PAGE_SIZE: Param = may("PageSize", Kind::Usual(1, 1000), "rows a page");
const ECS_ID: Param = must("EcsId", Kind::Text, "instance id, `ins-…`");
const ECS_IDS: Param =
    must("EcsIds", Kind::Texts(100), "instance ids; all in one zone and one VPC");
const TEST_ACCOUNT: Param = may("TestAccount", Kind::Text, "name of a test-money account");
const PROJECT: Param = may("ProjectId", Kind::Text, "project the resource belongs to (new)");

/// All of them, by service.
pub fn table() -> impl Iterator<Item = &'static Action> {
    let of_machines = ecs::ALL.iter().chain(ebs::ALL).chain(snapshots::ALL);
    of_machines.chain(network::ALL).chain(newer::ALL).chain(groups::ALL)
}

/// The action of this name at this service, as the API spells it.
pub fn at(service: Service, name: &str) -> Option<&'static Action> {
    table().find(|action| action.service == service && action.name == name)
}

/// The action of this name, whatever its case; `ebs.DescribeEvent` for the second of that name.
pub fn find(name: &str) -> Option<&'static Action> {
    table().find(|action| action.id().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_of_the_document_is_there_once() {
        assert_eq!((ecs::ALL.len(), ebs::ALL.len()), (21, 10), "20 of the document and one newer");
        let ids: BTreeSet<&str> = table().map(Action::id).collect();
        assert_eq!(ids.len(), table().count());
        assert!(table().all(|action| action.method == "GET" || action.method == "POST"));
        assert!(table().all(|action| action.changes || !action.event));
        assert_eq!(find("createdisk").unwrap().service, Service::Ebs);
        assert_eq!(find("DescribeEvent").unwrap().service, Service::Ecs);
    }

    #[test]
    fn required_parameters_come_first() {
        for action in table() {
            let order: Vec<bool> = action.params.iter().map(|param| !param.required).collect();
            assert!(order.is_sorted(), "{}", action.name);
        }
    }
}
