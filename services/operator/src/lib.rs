//! Control plane: who is alive, schedules, deploys
