//! Waiting for what must come. No verdict hangs on how fast a machine is: the limit is only a guard
//! against what never comes, below the hour after which the runner kills a test, so that what was
//! seen last can still be shown.

#![expect(clippy::panic, reason = "tests")]

use std::thread::sleep;
use std::time::Duration;

/// Between two looks.
pub(crate) const STEP: Duration = Duration::from_millis(20);
/// What has not come by then never comes.
pub(crate) const NEVER: Duration = Duration::from_mins(40);

/// The first thing that `look` finds; `else_say` is shown when it never finds one.
pub(crate) fn until<T>(
    mut look: impl FnMut() -> Option<T>,
    else_say: impl FnOnce() -> String,
) -> T {
    let mut waited = Duration::ZERO;
    while waited < NEVER {
        if let Some(found) = look() {
            return found;
        }
        sleep(STEP);
        waited += STEP;
    }
    panic!("never: {}", else_say())
}
