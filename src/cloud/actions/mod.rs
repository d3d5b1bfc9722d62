//! Every action of the API that is known: verb, service, parameters, answer, contradictions.
//!
//! One table serves the typed client, `farmscale api` and docs/vendor-api.md. Sources: ECS and EBS =
//! 首云公开API文档 (chapters of that name); `new` = the vendor's later pages; VPC = 私有网络概览.

use super::Endpoints;
use super::throttle::Need;

pub mod check;
pub mod ebs;
pub mod ecs;
pub mod network;

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
    pub answer: &'static str,
    /// Chapter of the vendor's document.
    pub source: &'static str,
    /// What the vendor's pages and programs disagree on, and what is done about it.
    pub quirks: &'static str,
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
    /// GiB of a disk.
    Gib,
    /// A list of texts, at most so many.
    Texts(usize),
    /// A list of texts, sent as JSON in a text.
    JsonTexts,
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
    /// A list of such objects.
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
        self.params.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }
}

impl Kind {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::OneOf(words) => words.join(" | "),
            Self::Flag => "0 | 1".to_owned(),
            Self::Bool => "true | false".to_owned(),
            Self::Number(least, u32::MAX) => format!("whole number from {least}"),
            Self::Number(least, most) => format!("whole number {least}–{most}"),
            Self::Gib => "GiB".to_owned(),
            Self::Texts(most) => format!("texts, comma between, at most {most}"),
            Self::JsonTexts => "texts, comma between".to_owned(),
            Self::Moment => "2026-01-02 03:04:05".to_owned(),
            Self::Name | Self::Label => "name, 2–40 characters".to_owned(),
            Self::Secret => "password: file, environment or prompt".to_owned(),
            Self::Object(keys) => format!("JSON {{{}}}", names(keys)),
            Self::Objects(keys) => format!("JSON [{{{}}}]", names(keys)),
        }
    }
}

fn names(params: &[Param]) -> String {
    params.iter().map(|param| param.name).collect::<Vec<_>>().join(", ")
}

const fn must(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, required: true, about }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, required: false, about }
}

/// An action before its particulars.
const fn action(
    service: Service,
    (method, name, title, about): (&'static str, &'static str, &'static str, &'static str),
    params: &'static [Param],
    answer: &'static str,
    source: &'static str,
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
        source,
        quirks: "",
    }
}

const ZONE: Param = must("AvailableZoneCode", Kind::Text, "zone, as DescribeRegions spells it");
const ZONE_MAYBE: Param = may("AvailableZoneCode", Kind::Text, "only this zone; omitted = all");
const REGION: Param = must("RegionCode", Kind::Text, "region, as DescribeRegions spells it");
const PAGE_NUMBER: Param = may("PageNumber", Kind::Number(1, u32::MAX), "from 1");
const PAGE_SIZE: Param = may("PageSize", Kind::Number(1, 1000), "rows a page");
const ECS_ID: Param = must("EcsId", Kind::Text, "instance id, `ins-…`");
const ECS_IDS: Param =
    must("EcsIds", Kind::Texts(100), "instance ids; all in one zone and one VPC");
const TEST_ACCOUNT: Param = may("TestAccount", Kind::Text, "name of a test-money account");
const PROJECT: Param = may("ProjectId", Kind::Text, "project the resource belongs to (new)");

/// All of them, by service.
pub fn all() -> impl Iterator<Item = &'static Action> {
    ecs::ALL.iter().chain(ebs::ALL).chain(network::ALL)
}

/// The action of this name, whatever its case; `ebs.DescribeEvent` for the second of that name.
pub fn find(name: &str) -> Option<&'static Action> {
    all().find(|action| action.id().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_of_the_document_is_there_once() {
        assert_eq!((ecs::ALL.len(), ebs::ALL.len()), (21, 10), "20 of the document and one newer");
        let ids: BTreeSet<&str> = all().map(Action::id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(all().all(|action| action.method == "GET" || action.method == "POST"));
        assert!(all().all(|action| action.changes || !action.event));
        assert_eq!(find("createdisk").unwrap().service, Service::Ebs);
        assert_eq!(find("DescribeEvent").unwrap().service, Service::Ecs);
    }

    #[test]
    fn required_parameters_come_first() {
        for action in all() {
            let order: Vec<bool> = action.params.iter().map(|param| !param.required).collect();
            assert!(order.is_sorted(), "{}", action.name);
        }
    }
}
