//! Pipes and streams of results: one list of tests for each, run in process, over a unix socket and over TCP.

#![expect(
    clippy::disallowed_methods,
    reason = "a test stands outside of the kernel: it has tasks of its own, and may be told a seed"
)]

mod list;
mod results;
mod socket;
mod wire;
mod world;

use std::future::Future;

use world::Way;

/// Runs a test to its end on threads of its own, as a process would.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

macro_rules! on_every_way {
    ($list:ident: $($test:ident),* $(,)?) => {
        mod $list {
            mod in_process {
                $(#[test] fn $test() { super::super::run(super::super::super::$list::$test(super::super::Way::InProcess)); })*
            }
            mod unix {
                $(#[test] fn $test() { super::super::run(super::super::super::$list::$test(super::super::Way::Unix)); })*
            }
            mod tcp {
                $(#[test] fn $test() { super::super::run(super::super::super::$list::$test(super::super::Way::Tcp)); })*
            }
        }
    };
}

mod ways {
    use super::{Way, run};

    on_every_way!(list:
        eight_random_mebibytes_come_back_as_they_were_sent,
        whoever_says_first_that_there_is_no_more_still_reads_the_answer,
        a_handler_that_has_no_more_to_say_still_hears_the_caller_out,
        a_writer_waits_for_a_slow_reader_after_a_bounded_number_of_bytes,
        a_caller_that_drops_its_end_ends_the_handler,
        a_caller_that_has_said_all_may_leave_while_the_handler_goes_on,
        a_handler_that_returns_ends_the_callers_pipe_well,
        a_handlers_error_reaches_the_caller_as_its_sentence_after_the_bytes_before_it,
        a_handler_that_panics_fails_its_pipe_alone,
        a_pipe_that_was_moved_away_ends_with_its_handler,
        a_pipe_that_nobody_serves_is_not_found,
        the_caller_its_request_and_its_trace_go_along,
        a_service_that_shuts_down_tells_its_pipes,
        any_chopping_of_the_bytes_arrives_as_the_same_bytes,
    );
    on_every_way!(results:
        results_come_one_by_one_as_they_are_given,
        a_caller_that_drops_the_stream_cancels_the_handler,
        an_error_is_the_last_item_with_its_kind_and_code,
        a_method_that_cannot_begin_answers_as_any_call_does,
        params_that_do_not_fit_are_refused_as_any_calls_are,
        a_panic_in_a_stream_is_its_last_item,
        a_service_that_shuts_down_breaks_its_streams,
    );
}
