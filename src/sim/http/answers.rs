//! What the vendor's documents leave open, as switches.

use serde::Deserialize;

/// How the face answers where the documents do not say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Which keys and statuses envelopes have.
    pub envelope: Envelope,
    /// Which fields and types machines and addresses are shown with.
    pub form: Form,
    /// One series for one GPU, or a list of one.
    pub monitor: Shape,
    /// Which zone measurements' times are in.
    pub monitor_zone: MonitorZone,
    /// What `DescribeInstanceStatus` says of ids that are deleted.
    pub deleted: Deleted,
    /// `CreateInstance` answers without `EcsIdSet`: the machine must be found by its name.
    pub hides_new_ids: bool,
    /// A failed event is answered with HTTP 500, its data in the body.
    pub failed_event_is_500: bool,
    /// `NoChargeForShutdown` says that a machine can be stopped free of charge, not that it is.
    pub no_charge_is_ability: bool,
    /// A listing answers no more rows than this at once, whatever is asked.
    pub rows_max: usize,
    /// Refusals to come, whatever is asked.
    pub refusals: Vec<Refused>,
}

impl Answers {
    /// As the documents have it.
    pub const DOCUMENTED: Self = Self {
        envelope: Envelope::Documented,
        form: Form::Client,
        monitor: Shape::Object,
        monitor_zone: MonitorZone::Utc,
        deleted: Deleted::Missing,
        hides_new_ids: false,
        failed_event_is_500: false,
        no_charge_is_ability: false,
        rows_max: usize::MAX,
        refusals: Vec::new(),
    };
}

impl Default for Answers {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

/// Which keys and statuses envelopes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// As the document's samples have them, action by action.
    Documented,
    /// `Code`, `Msg`, `RequestId` throughout.
    Uniform,
    /// Refusals come with HTTP 200.
    Always200,
}

/// Which fields and types machines and addresses are shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As the vendor's newest public client reads them, the document's own fields included.
    Client,
    /// As the document's samples of 2022 have them: `IsRam`, `CurrentUseQos` a text, `IsBind` a number.
    Document,
}

/// A series, or a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// An object where there is one.
    Object,
    /// Always a list.
    List,
}

/// Which zone measurements' times are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorZone {
    /// As the document's sample seems to have it.
    Utc,
    /// As all other times.
    Beijing,
}

/// What is said of ids that are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// Nothing: they are left out.
    Missing,
    /// `deleted`.
    Shown,
    /// The whole call is refused.
    Refused,
}

/// A refusal to come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Of this action.
    pub action: String,
    /// HTTP status.
    pub http: u16,
    /// `Code`.
    pub code: String,
    /// `Msg`.
    #[serde(default)]
    pub message: String,
    /// So many times; then all is as usual.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}
