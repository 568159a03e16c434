#include "server/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/check.h"

namespace millrace {

void forbid_core_dumps() {
  // The limit alone would not do: it is not asked where the system pipes dumps to a program.
  const rlimit none{0, 0};
  CHECK(::setrlimit(RLIMIT_CORE, &none) == 0);
  CHECK(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

}  // namespace millrace
