#include "service/request_notes.h"

namespace millrace {

void note_queue(RequestNotes* notes, const Region& region, const AccountId& account,
                std::string_view name) {
  // What a client takes for a name may be of any length; a log shows no more of it than this.
  constexpr std::size_t kNameShown = 256;
  if (notes == nullptr) return;
  notes->resource.assign("arn:").append(region.partition()).append(":sqs:");
  notes->resource.append(region.text()).append(":").append(account.text()).append(":");
  notes->resource.append(name.substr(0, kNameShown));
}

}  // namespace millrace
