#include "crypt/data_keys.h"

#include <span>
#include <utility>

namespace millrace {

GcmNonce counted_nonce(std::uint64_t number) {
  GcmNonce nonce{};
  for (std::size_t i = nonce.size(); number != 0; number >>= 8) {
    nonce[--i] = static_cast<std::uint8_t>(number);
  }
  return nonce;
}

SealingKey::SealingKey(const DataKey& key, Timestamp made_at)
    : cipher_(key.key), wrapped_(key.wrapped), made_at_(made_at) {}

std::uint64_t SealingKey::number_for(std::size_t bytes) {
  bytes_ += bytes;
  return messages_++;
}

void SealingKey::seal(std::uint64_t number, std::string_view associated, std::span<char> content) {
  const std::span<char> text = content.first(content.size() - kGcmTagBytes);
  cipher_.seal(counted_nonce(number), associated, text, content.last<kGcmTagBytes>());
}

bool SealingKey::good_for(std::size_t messages, Milliseconds reuse, Timestamp now) const {
  return now < made_at_ + reuse && messages_ + messages <= DataKeys::kMessagesMax &&
         bytes_ < DataKeys::kBytesMax;
}

void DataKeys::ask_anew() {
  const std::uint64_t generation = provider_.generation();
  if (generation == generation_) return;
  generation_ = generation;
  sealing_.clear();
  opened_.clear();
  last_ = opened_.end();
}

Expected<std::shared_ptr<SealingKey>> DataKeys::sealing(std::string_view master_key,
                                                        Milliseconds reuse, std::size_t messages,
                                                        Timestamp now) {
  ask_anew();
  const auto found = sealing_.find(master_key);
  if (found != sealing_.end()) {
    if (found->second->good_for(messages, reuse, now)) return found->second;
    sealing_.erase(found);
  }
  const Expected<DataKey> made = provider_.make_data_key(master_key);
  if (!made) return made.error();
  auto key = std::make_shared<SealingKey>(*made, now);
  sealing_.emplace(master_key, key);
  return key;
}

Expected<GcmOpener*> DataKeys::opening(std::string_view wrapped, Timestamp now) {
  ask_anew();
  if (last_ == opened_.end() || last_->first != wrapped) last_ = opened_.find(wrapped);
  if (last_ != opened_.end()) {
    if (now < last_->second.until) return &last_->second.opener;
    opened_.erase(std::exchange(last_, opened_.end()));
  }
  const Expected<SecretKey> key = provider_.unwrap(wrapped);
  if (!key) return key.error();
  // Whoever needs one of them again unwraps it again.
  if (opened_.size() >= kOpenedMax) opened_.clear();
  last_ = opened_.emplace(wrapped, Opened{GcmOpener(*key), now + kOpenedReuse}).first;
  return &last_->second.opener;
}

}  // namespace millrace
