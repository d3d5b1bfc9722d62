//! Workload traces: `submit_s,duration_s,gpus[,pool][,job]`, gzipped or not.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use crate::model::{Span, Text};

pub mod loads;
mod made;

/// A day of a render-like workload, bundled (data/traces/NOTICE).
const BUNDLED: &[u8] = include_bytes!("../../data/traces/surf_render_24h.csv.gz");
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Rows read at most.
const ROWS_MAX: usize = 5_000_000;

/// One task of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// When it is submitted, from the start of the trace.
    pub submit: Span,
    /// How long it runs on a worker of reference speed.
    pub duration: Span,
    /// GPUs it needs at once.
    pub gpus: u32,
    /// Its pool, where the trace has the column.
    pub pool: Option<Text>,
    /// The job it is a part of, likewise.
    pub label: Option<Text>,
}

/// The bundled trace: 1,612 tasks, 150 GPU-hours, peak about 30.
pub fn bundled() -> Vec<Job> {
    read(BUNDLED, "the bundled trace").unwrap_or_default()
}

/// Reads a trace file.
///
/// # Errors
/// Names the file, the line and the column at fault.
pub fn load(path: &Path) -> Result<Vec<Job>, String> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    read(&bytes, &name)
}

/// Reads a trace; `name` is what errors call it.
///
/// # Errors
/// Names the line and the column at fault.
pub fn read(bytes: &[u8], name: &str) -> Result<Vec<Job>, String> {
    let mut text = Vec::new();
    if bytes.starts_with(&GZIP_MAGIC) {
        let fault = |error| format!("{name}: is gzipped but does not unpack: {error}");
        GzDecoder::new(bytes).read_to_end(&mut text).map_err(fault)?;
    } else {
        text.extend_from_slice(bytes);
    }
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let headers = reader.headers().map_err(|error| format!("{name}: {error}"))?.clone();
    let column = |wanted: &str| headers.iter().position(|header| header.trim() == wanted);
    let required = |wanted: &'static str| {
        column(wanted).ok_or_else(|| format!("{name}: line 1: there is no column `{wanted}`"))
    };
    let columns = (required("submit_s")?, required("duration_s")?, required("gpus")?);
    let (pool, job) = (column("pool"), column("job"));
    let mut jobs = Vec::new();
    for record in reader.records().take(ROWS_MAX) {
        let record = record.map_err(|error| format!("{name}: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |index: usize| {
            let text = record.get(index).unwrap_or("").trim();
            text.parse::<u32>().map_err(|_not_a_number| {
                let column = headers.get(index).unwrap_or("?");
                format!("{name}: line {line}: `{column}` is `{text}`, not a whole number")
            })
        };
        jobs.push(Job {
            submit: Span::seconds(i64::from(number(columns.0)?)),
            duration: Span::seconds(i64::from(number(columns.1)?.max(1))),
            gpus: number(columns.2)?.max(1),
            pool: pool.and_then(|index| record.get(index)).map(Into::into),
            label: job.and_then(|index| record.get(index)).map(Into::into),
        });
    }
    jobs.sort_by_key(|job| job.submit);
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_trace_is_what_its_notice_says() {
        let jobs = bundled();
        assert_eq!(jobs.len(), 1612);
        let seconds: i64 = jobs.iter().map(|job| job.duration.as_seconds()).sum();
        assert_eq!(seconds / 3600, 150);
        assert!(jobs.iter().all(|job| job.submit < Span::hours(24) && job.gpus == 1));
    }

    #[test]
    fn a_bad_number_is_named_by_line_and_column() {
        let fault = read(b"submit_s,duration_s,gpus\n1,2,1\n3,long,1\n", "day.csv").unwrap_err();
        assert_eq!(fault, "day.csv: line 3: `duration_s` is `long`, not a whole number");
        let fault = read(b"submit_s,gpus\n", "day.csv").unwrap_err();
        assert_eq!(fault, "day.csv: line 1: there is no column `duration_s`");
    }
}
