// Core dumps: off where the process holds secrets, which a dump would write to the disk.
#pragma once

namespace millrace {

/// Has the system write no core file of this process and let no other of its user read its memory.
/// For good; to be called before secrets are read.
void forbid_core_dumps();

}  // namespace millrace
