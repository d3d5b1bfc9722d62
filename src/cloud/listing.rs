//! The list of machines, whole or not at all: absence in what is returned means absence.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let zones = client.zones().await?.into_iter().map(|zone| (zone.id, zone.code)).collect();
//! let machines = client.instances("render-", &zones).await?;
//! println!("{} machines", machines.len());
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::actions::ecs as action;
use super::client::Client;
use super::error::CallError;
use super::given::Given;
use super::rows::{self, Row};
use crate::model::Text;

/// Rows asked for in one page, and ids looked up in one call.
const PAGE: usize = 100;
/// Pages read at most: 20,000 machines.
const PAGES_MAX: usize = 200;
/// How often a list that changes is read before it is given up.
const PASSES_MAX: u32 = 4;

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `VpcId`.
    pub vpc: Option<&'a str>,
    /// `EcsIds`: exactly these; the vendor's newest program knows it, the document does not.
    pub ids: &'a [&'a str],
    /// `SearchInfo`: id, name or private address, or a part of one.
    pub search: Option<&'a str>,
}

/// Rows by id.
type Rows = BTreeMap<Text, Row>;

/// What the pages of one reading held.
struct Pass {
    rows: Rows,
    /// The fewest and the most rows the pages spoke of.
    totals: (usize, usize),
}

impl Client {
    /// `DescribeInstanceList`: every machine whose id, name or address holds `search`. Without page
    /// numbers the API answers all rows at once; should it hold some back, page by page. `zones` =
    /// `AzId` → `AvailableZoneCode`. An incomplete listing is an error.
    pub async fn instances(
        &self,
        search: &str,
        zones: &BTreeMap<Text, Text>,
    ) -> Result<Vec<Row>, CallError> {
        let (rows, total) = self.rows(Given::default().with("SearchInfo", search), zones).await?;
        if total == rows.len() {
            return Ok(rows.into_values().collect());
        }
        self.paged(search, zones).await
    }

    /// `DescribeInstanceList` of a zone, of a VPC, of certain ids: all that is said must hold.
    pub async fn instances_of(
        &self,
        filter: &Filter<'_>,
        zones: &BTreeMap<Text, Text>,
    ) -> Result<Vec<Row>, CallError> {
        let given = Given::default()
            .maybe("AvailableZoneCode", filter.zone)
            .maybe("VpcId", filter.vpc)
            .maybe("SearchInfo", filter.search)
            .list("EcsIds", filter.ids.to_vec());
        let (rows, total) = self.rows(given, zones).await?;
        if total == rows.len() {
            return Ok(rows.into_values().collect());
        }
        Err(incomplete(&format!("{} of {total} rows came", rows.len())))
    }

    /// Page by page. Rows that slipped past a page's edge while the list changed are looked up by
    /// the ids that an earlier reading found.
    async fn paged(
        &self,
        search: &str,
        zones: &BTreeMap<Text, Text>,
    ) -> Result<Vec<Row>, CallError> {
        let mut known: BTreeSet<Text> = BTreeSet::new();
        let mut last = (0, 0);
        for pass in 0..PASSES_MAX {
            let Pass { mut rows, totals: (least, most) } = self.pass(search, zones).await?;
            let is_settled = least == most && rows.len() == most;
            if !is_settled && pass != 0 {
                let slipped: Vec<&Text> =
                    known.iter().filter(|id| !rows.contains_key(*id)).collect();
                for ids in slipped.chunks(PAGE) {
                    let ids: Vec<&str> = ids.iter().map(|id| &***id).collect();
                    let (found, _) = self.rows(Given::default().list("EcsIds", ids), zones).await?;
                    // Should the filter be ignored, the rows are of the list all the same.
                    rows.extend(found.into_iter().filter(|(_, row)| row.name.contains(search)));
                }
            }
            if is_settled || (pass != 0 && least <= rows.len()) {
                return Ok(rows.into_values().collect());
            }
            last = (rows.len(), most);
            known.extend(rows.into_keys());
        }
        Err(incomplete(&format!(
            "{} of {} rows came; the list changes while it is read",
            last.0, last.1
        )))
    }

    async fn pass(&self, search: &str, zones: &BTreeMap<Text, Text>) -> Result<Pass, CallError> {
        let mut rows = Rows::new();
        let mut totals = (usize::MAX, 0);
        for page in 1..=PAGES_MAX {
            let given = Given::default()
                .with("SearchInfo", search)
                .with("PageNumber", page)
                .with("PageSize", PAGE);
            let (found, total) = self.rows(given, zones).await?;
            totals = (totals.0.min(total), totals.1.max(total));
            let is_last = found.is_empty() || total <= page.saturating_mul(PAGE);
            rows.extend(found);
            if is_last {
                return Ok(Pass { rows, totals });
            }
        }
        Err(incomplete("it does not end"))
    }

    /// One answer: its rows, and how many it says there are.
    async fn rows(
        &self,
        given: Given,
        zones: &BTreeMap<Text, Text>,
    ) -> Result<(Rows, usize), CallError> {
        let answer = self.send(&action::INSTANCE_LIST, given).await?;
        let rows = rows::rows(&answer.data, zones)?;
        let rows = rows.into_iter().map(|row| (Text::clone(&row.id), row)).collect();
        let total = answer.total.ok_or_else(|| incomplete("there is no TotalCount"))?;
        Ok((rows, usize::try_from(total).unwrap_or(usize::MAX)))
    }
}

/// Rows whose count and number disagree prove nothing about what is missing.
fn incomplete(why: &str) -> CallError {
    CallError::NotUnderstood(format!("DescribeInstanceList: incomplete: {why}"))
}
