#include "nn/translation/setting.h"

#include "autograd/support/printable.h"

namespace adjoint::nn {
namespace {

std::string listed(const std::vector<std::string>& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i)
    text += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  return text;
}

}  // namespace

Setting& SettingList::add(const std::string& name, std::function<void(const std::string&)> set,
                          std::function<std::string()> get, std::vector<std::string> choices,
                          const std::string& help) {
  Setting& setting = emplace_back(Setting{.name = name,
                                          .group = heading_,
                                          .help = help,
                                          .type = "TEXT",
                                          .choices = std::move(choices),
                                          .get = std::move(get),
                                          .set = std::move(set)});
  if (!setting.choices.empty())
    setting.problem = [all = setting.choices](const std::string& text) {
      return std::ranges::count(all, text) > 0
                 ? ""
                 : text_from("must be ", listed(all), ", not ", printable_line(text));
    };
  return setting;
}

Setting& SettingList::add(const std::string& name, std::string& value,
                          std::vector<std::string> choices, const std::string& help) {
  return add(
      name, [&value](const std::string& text) { value = text; }, [&value] { return value; },
      std::move(choices), help);
}

template <class Number>
Setting& SettingList::add_number(const std::string& name, Number& value, const Range& range,
                                 const std::string& help) {
  Setting& setting = add(
      name, [&value, range](const std::string& text) { value = *read_number<Number>(text, range); },
      [&value] { return number_text(value); }, {}, help);
  setting.type = std::is_floating_point_v<Number> ? "FLOAT" : "INT";
  setting.problem = [range](const std::string& text) {
    return read_number<Number>(text, range)
               ? ""
               : text_from("must be ", range.text, ", not ", printable_line(text));
  };
  return setting;
}

Setting& SettingList::add(const std::string& name, Index& value, const Range& range,
                          const std::string& help) {
  return add_number(name, value, range, help);
}

Setting& SettingList::add(const std::string& name, double& value, const Range& range,
                          const std::string& help) {
  return add_number(name, value, range, help);
}

Setting& SettingList::add_flag(const std::string& name, bool& value, const std::string& help) {
  Setting& setting = add(
      name, [&value](const std::string& text) { value = text == "true"; },
      [&value] { return value ? "true" : "false"; }, {}, help);
  setting.flag = &value;
  setting.problem = [](const std::string& text) {
    return text == "true" || text == "false"
               ? ""
               : text_from("must be true or false, not ", printable_line(text));
  };
  return setting;
}

const Setting* SettingList::find(const std::string& name) const {
  const auto found = std::ranges::find(*this, name, &Setting::name);
  return found == end() ? nullptr : &*found;
}

}  // namespace adjoint::nn
