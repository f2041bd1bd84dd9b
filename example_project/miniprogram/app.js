const cityService = require('./lib/city-service')

App({
  /** Also the way back from WeChat's city service, which brings the code. */
  onShow(options) {
    cityService.returned(options)
  },
})
